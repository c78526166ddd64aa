/**
 * The ONNX export against onnxruntime, which shares no line with this library: a second, independent oracle of the CPU
 * reference, and through it of the GPU.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { afterAll, describe, expect, test } from 'vitest';
import { exportOnnx, readTensors } from '../../src/convert/export-onnx.ts';
import { byteLength, type Pieces } from '../../src/convert/onnx/encode.ts';
import { OnnxGraph } from '../../src/convert/onnx/graph.ts';
import { Exporter } from '../../src/convert/onnx/steps.ts';
import { ACTIVATIONS, type Architecture } from '../../src/model/architecture.ts';
import { goldenPixels } from '../../src/model/golden.ts';
import { planViT, type Step, type ValueName } from '../../src/model/plan.ts';
import { runReference } from '../../src/reference/run.ts';
import { expectClose } from '../harness/arrays.ts';
import { convertInMemory, fixtureJson, openFixture } from '../harness/checkpoints.ts';
import { runCommand } from '../harness/terminal.ts';
import { TINY, tinyModel } from '../harness/tiny-model.ts';

/** onnxruntime computes in f32, the reference in float64: of logits of size 1 they keep five digits; the contract. */
const BOUND = 1e-4;

const folder = mkdtempSync(join(tmpdir(), 'export-onnx-'));
afterAll(() => rmSync(folder, { recursive: true }));

function whole(pieces: Pieces): Uint8Array {
  const file = new Uint8Array(byteLength(pieces));
  let at = 0;
  for (const piece of pieces) {
    file.set(piece, at);
    at += piece.length;
  }
  return file;
}

async function runOnnx(file: Uint8Array, pixels: Float32Array, shape: number[]): Promise<Record<string, ort.Tensor>> {
  const session = await ort.InferenceSession.create(file, { executionProviders: ['wasm'] });
  try {
    return await session.run({ pixel_values: new ort.Tensor('float32', pixels, shape) });
  } finally {
    await session.release();
  }
}

/** Exports, and compares every output for a batch of `batch` images. */
async function expectAgreement(
  architecture: Architecture,
  tensors: Map<string, Float32Array<ArrayBuffer>>,
  outputs: ValueName[],
  batch: number,
): Promise<void> {
  const file = whole(exportOnnx({ name: 'test', architecture }, (name) => tensors.get(name)!, outputs));
  const { channels, imageSize } = architecture;
  const shape = [batch, channels, ...imageSize];
  const pixels = goldenPixels(7, shape);
  const computed = await runOnnx(file, pixels, shape);
  const expected = runReference(planViT(architecture), (name) => tensors.get(name)!, { pixels }, batch);
  for (const output of outputs) {
    expect(computed[output].dims[0]).toBe(batch);
    expectClose(computed[output].data as Float32Array, expected[output], BOUND);
  }
}

async function tensorsOf({ manifest, shards }: Awaited<ReturnType<typeof tinyModel>>) {
  return readTensors(manifest, shards);
}

describe('a small random model', () => {
  for (const activation of ACTIVATIONS) {
    test(`with ${activation}, every output, several images`, async () => {
      const architecture = { ...TINY, activation };
      const tensors = await tensorsOf(await tinyModel(architecture));
      await expectAgreement(architecture, tensors, ['logits', 'probabilities', 'embedding', 'tokens'], 3);
    });
  }

  test('not square, head size no multiple of 4', async () => {
    const architecture: Architecture = {
      ...TINY,
      imageSize: [24, 10],
      patchSize: [8, 5],
      channels: 1,
      width: 21,
      heads: 3,
    };
    await expectAgreement(architecture, await tensorsOf(await tinyModel(architecture)), ['logits'], 2);
  });

  test('computes nothing that is not asked for', async () => {
    const tensors = await tensorsOf(await tinyModel());
    const lookup = (name: string) => tensors.get(name)!;
    const embedding = byteLength(exportOnnx({ name: 'tiny', architecture: TINY }, lookup, ['embedding']));
    const logits = byteLength(exportOnnx({ name: 'tiny', architecture: TINY }, lookup, ['logits']));
    const { width, classes } = TINY;
    // Without the head's weight and bias, and what names them.
    expect(logits - embedding).toBeGreaterThanOrEqual(4 * classes * (width + 1));
  });
});

describe('refusals', () => {
  test('a step that has no ONNX is named', () => {
    const exporter = new Exporter(new OnnxGraph(), planViT(TINY), () => new Float32Array());
    const step = { op: 'teleport', label: 'block01/teleport', output: 'tokens' } as unknown as Step;
    expect(() => exporter.add(step)).toThrowError(
      expect.objectContaining({ code: 'unsupported-model', message: expect.stringContaining('block01/teleport') }),
    );
  });

  test('an output that the model does not have', async () => {
    const tensors = await tensorsOf(await tinyModel());
    const lookup = (name: string) => tensors.get(name)!;
    const outputs = ['mood'] as unknown as ValueName[];
    expect(() => exportOnnx({ name: 'tiny', architecture: TINY }, lookup, outputs)).toThrowError(
      expect.objectContaining({ code: 'bad-input', message: expect.stringContaining('logits') }),
    );
  });
});

/** Of the families of checkpoints, those whose steps can be written as ONNX. */
const WRITTEN = [
  'hf-vit',
  'timm-clip-quickgelu',
  'timm-vit',
  'timm-vit-no-qkv-bias',
  'torchvision-vit-representation',
  'vit-qk-scale',
  'vit-representation-tanh',
];

describe('checkpoints of other libraries', () => {
  for (const family of WRITTEN) {
    test(family, async () => {
      const { hints } = fixtureJson(`${family}/expected.json`) as { hints: { num_heads?: number } };
      const config = hints.num_heads ? undefined : fixtureJson(`${family}/config.json`);
      const { manifest, files } = await convertInMemory(await openFixture(family), { heads: hints.num_heads, config });
      const tensors = await readTensors(
        manifest,
        manifest.shards.map(({ file }) => files.get(file)!),
      );
      await expectAgreement(manifest.architecture, tensors, ['logits'], 2);
    });
  }
});

describe('the command', () => {
  test('writes the embedded model, f16 shards as f32', async () => {
    const out = join(folder, 'vit-cifar10.onnx');
    const { exitCode, printed } = await runCommand('export-onnx', 'weights/vit-cifar10', '--out', out);
    expect(exitCode).toBe(0);
    expect(printed).toContain('pixel_values -> logits');
    const { architecture, golden } = JSON.parse(readFileSync('weights/vit-cifar10/model.json', 'utf8'));
    const shape = [1, architecture.channels, ...architecture.imageSize];
    const { logits } = await runOnnx(readFileSync(out), goldenPixels(golden.seed, shape), shape);
    expectClose(logits.data as Float32Array, golden.logits, BOUND);
  });

  test('leaves no file behind when it fails', async () => {
    const out = join(folder, 'nowhere', 'model.onnx');
    const { exitCode, warned } = await runCommand('export-onnx', 'weights/vit-cifar10', '--out', out);
    expect(exitCode).toBe(1);
    expect(warned).toContain('cannot be written');
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });
});

const models = process.env.VIT_MODELS;

describe.runIf(models)('ViT-Tiny/16', () => {
  test("PyTorch's logits through the command line and onnxruntime", async () => {
    const checkpoint = `${models}/vit-tiny-patch16-224`;
    const golden = JSON.parse(readFileSync(`${checkpoint}/golden/expected.json`, 'utf8'));
    const { mean, std } = golden.preprocess;
    const model = join(folder, 'vit-tiny');
    const convert = await runCommand(
      ...['convert', `${checkpoint}/model.safetensors`, '--out', model, '--heads', '3'],
      ...['--mean', String(mean), '--std', String(std), '--resize', 'shortest-edge:248', '--crop', '224x224'],
      ...['--filter', 'bicubic', '--labels', `${checkpoint}/labels.json`, '--epsilon', '1e-6'],
    );
    expect(convert.warned + convert.exitCode).toMatch(/0$/);
    const out = join(folder, 'vit-tiny.onnx');
    expect((await runCommand('export-onnx', model, '--out', out)).exitCode).toBe(0);
    const images = golden.images.length;
    const bytes = readFileSync(`${checkpoint}/golden/pixels.rgb`);
    const area = 224 * 224;
    const pixels = new Float32Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) {
      const [image, pixel, channel] = [Math.floor(i / (3 * area)), Math.floor(i / 3) % area, i % 3];
      pixels[(3 * image + channel) * area + pixel] = (bytes[i] / 255 - mean[channel]) / std[channel];
    }
    const { logits } = await runOnnx(readFileSync(out), pixels, [images, 3, 224, 224]);
    const expected = new Float32Array(new Uint8Array(readFileSync(`${checkpoint}/golden/logits.f32`)).buffer);
    expectClose(logits.data as Float32Array, expected, BOUND);
  }, 60_000);
});
