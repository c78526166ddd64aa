import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { writeFolder } from '../../src/cli/output-folder.ts';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import { FAMILIES, safetensorsFile } from '../harness/checkpoints.ts';
import { CHECKPOINTS } from '../harness/formats.ts';
import { runCommand } from '../harness/terminal.ts';

const scratch = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const timm = fileURLToPath(new URL('timm-vit/model.safetensors', FAMILIES));
const huggingFace = fileURLToPath(new URL('hf-vit', FAMILIES));
const PIXELS = ['--resize', 'squash:32x32', '--filter', 'bilinear', '--mean', '.5,.5,.5', '--std', '.5,.5,.5'];
const ARITHMETIC = ['--epsilon', '1e-6', '--activation', 'gelu', '--norm-first', '--pooling', 'class'];
const ENOUGH = ['--heads', '3', ...ARITHMETIC, ...PIXELS];

/** A folder for one test, and the place in it that is converted to. */
let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'test-'));
  out = join(folder, 'model');
});

function readModel(path: string) {
  return parseManifest(JSON.parse(readFileSync(join(path, 'model.json'), 'utf8')), path);
}

describe('convert', () => {
  test('writes a model and says what it found', async () => {
    const { exitCode, printed, warned } = await runCommand('convert', timm, '--out', out, ...ENOUGH, '--dtype', 'f16');
    expect([exitCode, warned]).toEqual([0, '']);
    expect(printed).toMatch(/^heads +3 +given$/m);
    expect(printed).toMatch(/^epsilon +1e-6 +given$/m);
    expect(printed).toMatch(/of f16 in 1 shard$/);
    expect(readdirSync(folder)).toEqual(['model']);

    const manifest = readModel(out);
    expect(manifest.name).toBe('model');
    expect(manifest.source).toEqual({ sha256: createHash('sha256').update(readFileSync(timm)).digest('hex') });
    expect(readdirSync(out).sort()).toEqual(['model.json', ...manifest.shards.map(({ file }) => file)]);
    for (const { file, sha256 } of manifest.shards) {
      expect(
        createHash('sha256')
          .update(readFileSync(join(out, file)))
          .digest('hex'),
      ).toBe(sha256);
    }
  });

  test('reads the config.json beside the checkpoint, and says so', async () => {
    const { exitCode, printed } = await runCommand('convert', huggingFace, '--out', out, ...PIXELS);
    expect(exitCode).toBe(0);
    expect(printed).toContain(`reading ${join(huggingFace, 'config.json')}`);
    expect(readModel(out).architecture).toMatchObject({ heads: 3, epsilon: 1e-12 });
  });

  test('needs no flag where the files beside the checkpoint say everything', async () => {
    cpSync(huggingFace, folder, { recursive: true });
    const preprocessor = { image_processor_type: 'ViTImageProcessor', size: { height: 32, width: 32 }, resample: 3 };
    writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify(preprocessor));
    const { exitCode, printed } = await runCommand('convert', folder, '--out', out);
    expect(exitCode).toBe(0);
    expect(printed).toMatch(/^filter +bicubic +preprocessor_config\.json, resample$/m);
    expect(printed).toMatch(/^mean +0\.5, 0\.5, 0\.5 +ViTImageProcessor's default/m);
    expect(readModel(out).preprocess).toMatchObject({ resize: { mode: 'squash' }, filter: 'bicubic', crop: null });

    const timmFolder = join(folder, 'timm');
    mkdirSync(timmFolder);
    cpSync(timm, join(timmFolder, 'model.safetensors'));
    const pretrained_cfg = { input_size: [3, 32, 32], crop_pct: 0.9, interpolation: 'bicubic' };
    const config = {
      architecture: 'vit_tiny_patch16_224',
      model_args: { num_heads: 3 },
      pretrained_cfg: { ...pretrained_cfg, mean: [0.1, 0.2, 0.3], std: [1, 1, 1] },
    };
    writeFileSync(join(timmFolder, 'config.json'), JSON.stringify(config));
    expect((await runCommand('convert', timmFolder, '--out', out, '--force')).exitCode).toBe(0);
    expect(readModel(out).preprocess).toMatchObject({
      resize: { mode: 'shortest-edge', size: 35 },
      crop: { height: 32 },
    });
  });

  test('takes everything else from flags', async () => {
    const labels = join(folder, 'labels.json');
    writeFileSync(labels, '["a","b","c","d","e","f","g"]');
    const flags =
      '--heads 6 --epsilon 1e-5 --activation relu --norm-first --pooling class --image-size 32x32 --name mine --shard-size 8192';
    const pixels = '--resize longest-edge:36:round --crop 32x32:floor --filter lanczos --mean 0,.1,.2 --std 1,2,3';
    const source = '--repository https://example.org/vit --revision v1 --license MIT';
    const args = `${flags} ${pixels} ${source} --layout timm --labels`.split(' ');
    const { exitCode } = await runCommand('convert', timm, '--out', out, ...args, labels);
    expect(exitCode).toBe(0);
    const manifest = readModel(out);
    expect(manifest).toMatchObject({
      name: 'mine',
      source: { repository: 'https://example.org/vit', revision: 'v1', license: 'MIT' },
      architecture: { heads: 6, epsilon: 1e-5, activation: 'relu', imageSize: [32, 32] },
      preprocess: {
        resize: { mode: 'longest-edge', size: 36, rounding: 'round' },
        crop: { height: 32, width: 32, rounding: 'floor' },
        filter: 'lanczos',
        mean: [0, 0.1, 0.2],
        std: [1, 2, 3],
      },
      labels: ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
    });
    expect(manifest.shards.length).toBeGreaterThan(10);
  });
});

describe('nothing is half-written', () => {
  /** The last tensor that is read holds NaN: conversion fails after most shards are written. */
  function brokenCheckpoint(): string {
    const bytes = new Uint8Array(readFileSync(timm));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + bytes[0] + 256 * bytes[1])));
    const data = bytes.slice(8 + bytes[0] + 256 * bytes[1]);
    new DataView(data.buffer).setFloat32(header['head.bias'].data_offsets[0], Number.NaN, true);
    const path = join(folder, 'broken.safetensors');
    writeFileSync(path, safetensorsFile(header, data));
    return path;
  }

  test('after a failure in the middle', async () => {
    const checkpoint = brokenCheckpoint();
    const args = ['convert', checkpoint, '--out', out, ...ENOUGH, '--shard-size', '8192'];
    const { exitCode, warned } = await runCommand(...args);
    expect([exitCode, warned]).toEqual([1, 'error: head.bias has NaN as its element 0.']);
    expect(readdirSync(folder)).toEqual(['broken.safetensors']);
  });

  test('and what was there stays, even with --force', async () => {
    mkdirSync(out);
    writeFileSync(join(out, 'precious'), 'x');
    const checkpoint = brokenCheckpoint();
    const { exitCode } = await runCommand('convert', checkpoint, '--out', out, ...ENOUGH, '--force');
    expect(exitCode).toBe(1);
    expect(readdirSync(out)).toEqual(['precious']);
    expect(readdirSync(folder).sort()).toEqual(['broken.safetensors', 'model']);
  });

  test('the folder appears under its name only when it is complete', async () => {
    await writeFolder(out, false, async (partial) => {
      writeFileSync(join(partial, 'a'), 'x');
      expect(existsSync(out)).toBe(false);
    });
    expect(readdirSync(out)).toEqual(['a']);
    expect(readdirSync(folder)).toEqual(['model']);
  });
});

describe('a folder that exists', () => {
  test('is refused when it is not empty', async () => {
    mkdirSync(out);
    writeFileSync(join(out, 'precious'), 'x');
    const { exitCode, warned } = await runCommand('convert', timm, '--out', out, ...ENOUGH);
    expect(exitCode).toBe(1);
    expect(warned).toMatch(/model is not empty\. Give another folder, or --force/);
    expect(readdirSync(out)).toEqual(['precious']);
  });

  test('is used when it is empty', async () => {
    mkdirSync(out);
    expect((await runCommand('convert', timm, '--out', `${out}/`, ...ENOUGH)).exitCode).toBe(0);
    expect(readModel(out).name).toBe('model');
  });

  test('is replaced as a whole with --force', async () => {
    mkdirSync(out);
    writeFileSync(join(out, 'old'), 'x');
    expect((await runCommand('convert', timm, '--out', out, ...ENOUGH, '--force')).exitCode).toBe(0);
    expect(readdirSync(out)).not.toContain('old');
    expect(readdirSync(folder)).toEqual(['model']);
  });

  test('is refused when it is a file', async () => {
    writeFileSync(out, 'x');
    const { exitCode, warned } = await runCommand('convert', timm, '--out', out, ...ENOUGH, '--force');
    expect(exitCode).toBe(1);
    expect(warned).toContain('is a file');
  });
});

describe('failures', () => {
  test('of the model have exit code 1 and no stack', async () => {
    const { exitCode, warned } = await runCommand('convert', timm, '--out', out);
    expect(exitCode).toBe(1);
    expect(warned).toMatch(/^error: The checkpoint does not say everything:\n {2}The number of attention heads/);
    expect(warned).not.toContain('    at ');
    expect(existsSync(out)).toBe(false);
  });

  const misuse: [args: string[], message: string][] = [
    [['convert', timm], "required option '--out <dir>'"],
    [['convert', '--out', 'x'], "missing required argument 'checkpoint'"],
    [['convert', timm, '--out', 'x', '--heads', '0'], 'Give a whole number above 0'],
    [['convert', timm, '--out', 'x', '--heads', '3.5'], 'Give a whole number above 0'],
    [['convert', timm, '--out', 'x', '--dtype', 'int8'], 'Allowed choices are f32, f16'],
    [['convert', timm, '--out', 'x', '--layout', 'keras'], 'Allowed choices are auto, timm, hf'],
    [['convert', timm, '--out', 'x', '--resize', 'squash'], 'Give squash:HxW'],
    [['convert', timm, '--out', 'x', '--resize', 'squash:1x2:3'], 'Give squash:HxW'],
    [['convert', timm, '--out', 'x', '--resize', 'squash:32'], 'Give squash:HxW'],
    [['convert', timm, '--out', 'x', '--resize', 'shortest-edge:32:up'], 'shortest-edge:N[:trunc|round]'],
    [['convert', timm, '--out', 'x', '--crop', '32x32:up'], 'Give HxW[:floor|half-even] or none'],
    [['convert', timm, '--out', 'x', '--mean', '0.5,,0.5'], 'Give a number'],
    [['convert', timm, '--out', 'x', '--norm-first', '--norm-last'], 'cannot be used with'],
    [['convert', timm, '--out', 'x', '--frobnicate'], "unknown option '--frobnicate'"],
    [['translate'], "unknown command 'translate'"],
  ];
  for (const [args, message] of misuse) {
    test(`of use have exit code 2: ${args.slice(-2).join(' ')}`, async () => {
      const { exitCode, warned } = await runCommand(...args);
      expect(exitCode).toBe(2);
      expect(warned).toContain(message);
    });
  }

  const unreadable: [checkpoint: string, content: string | undefined, message: string][] = [
    ['absent.safetensors', undefined, 'There is no file'],
    ['archive.pt', 'PK\u0003\u0004 and so on', 'Not a readable zip archive'],
    ['short.safetensors', 'abc', 'it is text, and begins "abc"'],
  ];
  for (const [name, content, message] of unreadable) {
    test(`of reading have exit code 1: ${name}`, async () => {
      const path = join(folder, name);
      if (content !== undefined) writeFileSync(path, content);
      const { exitCode, warned } = await runCommand('convert', path, '--out', out, ...ENOUGH);
      expect(exitCode).toBe(1);
      expect(warned).toContain(message);
      expect(warned).not.toContain('    at ');
    });
  }

  test('of files that are named', async () => {
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, '{');
    const convert = (...flags: string[]) => runCommand('convert', timm, '--out', out, ...ENOUGH, ...flags);
    expect((await convert('--config', broken)).warned).toContain('broken.json is not JSON');
    expect((await convert('--labels', join(folder, 'none.json'))).warned).toContain('There is no file');
    writeFileSync(broken, '{"0": "a"}');
    expect((await convert('--labels', broken)).warned).toContain('labels (given): 1 for a model of 7 classes');
    writeFileSync(broken, '{"1": "a"}');
    expect((await convert('--labels', broken)).warned).toContain('must number its 1 labels from 0 on');
    expect((await runCommand('convert', folder, '--out', out, ...ENOUGH)).warned).toContain(
      'holds no model.safetensors',
    );
  });
});

describe('inspect', () => {
  test('a checkpoint', async () => {
    const { exitCode, printed } = await runCommand('inspect', timm);
    expect(exitCode).toBe(0);
    expect(printed).toContain('safetensors, 32 tensors, f32, 271.1 kB');
    expect(printed).toMatch(/^layout +timm ViT$/m);
    expect(printed).toMatch(/^patches +of 8x8x3$/m);
    expect(printed).toMatch(/^positions +17$/m);
    expect(printed).toMatch(/^blocks\.1\.attn\.qkv\.weight +f32 +\[144, 48\] +27\.6 kB$/m);
  });

  test('a training checkpoint of PyTorch, and what of it is the model', async () => {
    const { exitCode, printed } = await runCommand('inspect', fileURLToPath(new URL('vit-dino.pth', CHECKPOINTS)));
    expect(exitCode).toBe(0);
    expect(printed).toContain('PyTorch, 41 tensors, f32, 20.1 kB');
    expect(printed).toMatch(
      /^prefix +teacher\.backbone\. \(names of the tensors; the other model has the prefix student\.module\.backbone\./m,
    );
    expect(printed).toMatch(/^student\.module\.backbone\.cls_token +f32 +\[1, 1, 8\] +32 B$/m);
  });

  test('what one family says and others do not', async () => {
    const inspect = async (file: string) =>
      (await runCommand('inspect', fileURLToPath(new URL(file, FAMILIES)))).printed;
    const jax = await inspect('jax-map-scan/model.npz');
    expect(jax).toMatch(/^prefix +params\/img\/ \(names of the tensors\)$/m);
    expect(jax).toMatch(/^depth +2$/m);
    expect(jax).toMatch(/^heads +4$/m);
    const vitPytorch = await inspect('vit-pytorch/model.safetensors');
    expect(vitPytorch).toMatch(/^patches +of 192 numbers$/m);
    expect(vitPytorch).toMatch(/^heads +in no tensor$/m);
    expect(await inspect('openai-clip-archive/model.pt')).toMatch(/^layout +CLIP of OpenAI$/m);
    expect(await inspect('dinov2-training-swiglu/model.safetensors')).toMatch(/^layout +DINOv2 ViT$/m);
  });

  test('a checkpoint that cannot be converted', async () => {
    const path = join(folder, 'other.safetensors');
    const tensor = { dtype: 'F16', shape: [2], data_offsets: [0, 4] };
    writeFileSync(path, safetensorsFile({ 'visual.conv1.weight': tensor }, new Uint8Array(4)));
    const { exitCode, printed } = await runCommand('inspect', path);
    expect(exitCode).toBe(0);
    expect(printed).toMatch(/Cannot be converted.*visual\.conv1\.weight/);
  });

  test('a hash of a whole shard that is not that of its pieces', async () => {
    cpSync('weights/vit-cifar10', out, { recursive: true });
    const path = join(out, 'model.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    expect(manifest.shards[0].pieces.sha256.length).toBeGreaterThan(1);
    manifest.shards[0].sha256 = 'f'.repeat(64);
    writeFileSync(path, JSON.stringify(manifest));
    const { exitCode, printed } = await runCommand('inspect', out);
    expect({ exitCode, printed }).toEqual({ exitCode: 1, printed: expect.stringMatching(/shard-00001.*altered/) });
  });

  test('a converted model, and one that was altered', async () => {
    await runCommand('convert', timm, '--out', out, ...ENOUGH, '--shard-size', '131072');
    const good = await runCommand('inspect', out);
    expect(good.exitCode).toBe(0);
    expect(good.printed).toMatch(/^model +model$/m);
    expect(good.printed.match(/hash verified/g)).toHaveLength(3);

    const copy = join(folder, 'copy');
    cpSync(out, copy, { recursive: true });
    const shard = join(copy, 'shard-00002-of-00003.bin');
    const bytes = readFileSync(shard);
    bytes[1000] ^= 1;
    writeFileSync(shard, bytes);
    rmSync(join(copy, 'shard-00003-of-00003.bin'));
    const bad = await runCommand('inspect', join(copy, 'model.json'));
    expect(bad.exitCode).toBe(1);
    expect(bad.printed.match(/hash verified/g)).toHaveLength(1);
    expect(bad.printed).toMatch(/shard-00002-of-00003\.bin .*altered/);
    expect(bad.warned).toContain('2 of 3 shards are not as');
  });

  test('the embedded model', async () => {
    const { exitCode, printed } = await runCommand(
      'inspect',
      fileURLToPath(new URL('../../weights/vit-cifar10', import.meta.url)),
    );
    expect(exitCode).toBe(0);
    expect(printed).toContain('hash verified');
  });

  test('something else', async () => {
    expect((await runCommand('inspect', folder)).warned).toContain('holds no model.json and no model.safetensors');
    expect(await runCommand('inspect', join(folder, 'none'))).toMatchObject({ exitCode: 1 });
  });
});

test('help and version have exit code 0', async () => {
  expect(await runCommand('--help')).toMatchObject({ exitCode: 0, printed: expect.stringContaining('classify') });
  expect((await runCommand('--version')).printed).toMatch(/^\d+\.\d+\.\d+$/);
});

const models = process.env.VIT_MODELS;

test('`none` for resize or crop is none, and no other way to say nothing', async () => {
  const rest = ['--heads', '3', ...ARITHMETIC, ...PIXELS.slice(2)];
  const squash = await runCommand('convert', timm, '--out', out, ...rest, '--resize', 'squash:32x32', '--crop', 'none');
  expect(squash).toMatchObject({ exitCode: 0, warned: '' });
  expect(readModel(out).preprocess).toMatchObject({ resize: { mode: 'squash' }, crop: null });
  const crop = await runCommand(
    ...['convert', timm, '--out', out, '--force', ...rest, '--resize', 'none', '--crop', '32x32'],
  );
  expect(crop).toMatchObject({ exitCode: 0, warned: '' });
  expect(readModel(out).preprocess).toMatchObject({ resize: null, crop: { height: 32, width: 32 } });
});

test('the embedded model, taken as a checkpoint, converts to itself', async () => {
  const embedded = fileURLToPath(new URL('../../weights/vit-cifar10', import.meta.url));
  const { source, ...manifest } = readModel(embedded);
  expect(manifest.shards).toHaveLength(1);
  const shard = readFileSync(join(embedded, manifest.shards[0].file));
  const header: Record<string, object> = {};
  const data: Buffer[] = [];
  let end = 0;
  for (const [name, { shape, offset, bytes }] of Object.entries(manifest.tensors)) {
    header[name] = { dtype: 'F16', shape, data_offsets: [end, end + bytes] };
    data.push(shard.subarray(offset, offset + bytes));
    end += bytes;
  }
  const checkpoint = join(folder, 'embedded.safetensors');
  writeFileSync(checkpoint, safetensorsFile(header, Buffer.concat(data)));
  const [labels, calibration] = [join(folder, 'names.json'), join(folder, 'believed.json')];
  writeFileSync(labels, JSON.stringify(manifest.labels));
  writeFileSync(calibration, JSON.stringify(manifest.calibration));
  const { resize, crop, filter } = manifest.preprocess;
  const flags = [
    ...['--labels', labels, '--calibration', calibration, '--dtype', 'f16', '--name', 'vit-cifar10', '--heads', '3'],
    ...ARITHMETIC,
    ...['--resize', resize?.mode === 'squash' ? 'squash:32x32' : 'shortest-edge:32', '--crop', crop ? '32x32' : 'none'],
    ...['--filter', filter, '--mean', '.5,.5,.5', '--std', '.5,.5,.5'],
  ];
  const { exitCode, warned } = await runCommand('convert', checkpoint, '--out', out, ...flags);
  expect({ exitCode, warned }).toEqual({ exitCode: 0, warned: '' });
  const { source: again, ...converted } = readModel(out);
  expect(converted).toEqual(manifest);
  expect(readFileSync(join(out, manifest.shards[0].file)).equals(shard)).toBe(true);
});

test.skipIf(!models)(
  'ViT-Tiny for ImageNet converts to three shards',
  async () => {
    const checkpoint = join(models!, 'vit-tiny-patch16-224');
    const pixels = '--resize shortest-edge:248 --crop 224x224 --filter bicubic --mean .5,.5,.5 --std .5,.5,.5'.split(
      ' ',
    );
    const labels = ['--labels', join(checkpoint, 'labels.json')];
    const name = ['--architecture', 'vit_tiny_patch16_224'];
    const { exitCode } = await runCommand('convert', checkpoint, '--out', out, ...name, ...pixels, ...labels);
    expect(exitCode).toBe(0);
    const { architecture, shards } = readModel(out);
    expect(architecture).toMatchObject({ depth: 12, width: 192, imageSize: [224, 224], classes: 1000 });
    expect(shards.map(({ bytes }) => bytes <= 8 * 2 ** 20)).toEqual([true, true, true]);
  },
  60_000,
);
