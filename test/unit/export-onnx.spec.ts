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
import { byteLength, type Pieces } from '../../src/convert/onnx/encode-model.ts';
import { type Architecture, withDefaults } from '../../src/model/architecture.ts';
import { goldenPixels } from '../../src/model/golden.ts';
import { ACTIVATIONS } from '../../src/model/layers.ts';
import { extrasFor, OUTPUT_NAMES, type OutputName } from '../../src/model/outputs.ts';
import { planViT } from '../../src/model/plan.ts';
import { planText } from '../../src/model/plan-text.ts';
import { readOutput, runReference } from '../../src/reference/run.ts';
import { expectClose } from '../harness/arrays.ts';
import { type Converted, convertFamily, FAMILY_NAMES, FAMILY2_NAMES } from '../harness/checkpoints.ts';
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

async function runOnnx(file: Uint8Array, inputs: Record<string, ort.Tensor>): Promise<ort.InferenceSession.ReturnType> {
  const session = await ort.InferenceSession.create(file, { executionProviders: ['wasm'] });
  try {
    return await session.run(inputs);
  } finally {
    await session.release();
  }
}

/** Exports, and compares every output for a batch of `batch` images. */
async function expectAgreement(
  given: Architecture,
  tensors: Map<string, Float32Array<ArrayBuffer>>,
  outputs: OutputName[],
  batch: number,
): Promise<void> {
  const architecture = withDefaults(given);
  const lookup = (name: string) => tensors.get(name)!;
  const file = whole(exportOnnx({ name: 'test', architecture }, lookup, { outputs }));
  const { channels, depth, imageSize } = architecture;
  const shape = [batch, channels, ...imageSize];
  const pixels = goldenPixels(7, shape);
  const computed = await runOnnx(file, { pixel_values: new ort.Tensor('float32', pixels, shape) });
  const plan = planViT(architecture, extrasFor({ outputs }, depth));
  const values = runReference(plan, lookup, { pixels }, batch);
  for (const output of outputs) {
    const expected = readOutput(plan, output, values, batch);
    expect(computed[output].dims).toEqual(expected.shape);
    expectClose(computed[output].data as Float32Array, expected.data, BOUND);
  }
}

const TINY_MODEL = { name: 'tiny', architecture: withDefaults(TINY) };

async function tensorsOf({ manifest, shards }: Awaited<ReturnType<typeof tinyModel>>) {
  return readTensors(manifest, shards);
}

describe('a small random model', () => {
  for (const activation of ACTIVATIONS) {
    test(`with ${activation}, every output, several images`, async () => {
      const architecture = { ...TINY, activation };
      const tensors = await tensorsOf(await tinyModel(architecture));
      await expectAgreement(architecture, tensors, [...OUTPUT_NAMES], 3);
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

  test('norms of pixels, heads that are wider than the tokens together', async () => {
    const architecture: Architecture = { ...TINY, patchSize: [4, 8], pixelNorm: true, patchNorm: true, headSize: 10 };
    await expectAgreement(architecture, await tensorsOf(await tinyModel(architecture)), ['attention', 'logits'], 2);
  });

  for (const departures of [
    {
      norm: 'rms',
      registerTokens: 2,
      mlp: 'swiglu',
      qkNorm: true,
      attentionNorm: true,
      mlpNorm: true,
      rotary: { frequencies: 'shared', positions: 'centred' },
      prefixNorm: true,
      pooling: 'attention',
      poolingHeads: 4,
      poolingQuery: false,
      poolingMlpWidth: 0,
      poolingPrefix: false,
    },
    {
      stem: [30, 20],
      normOrder: 'branch',
      qkNorm: true,
      rotary: { frequencies: 'per-head', positions: 'counted', offset: 1, grid: [3, 5] },
      finalNorm: 'pooled',
      pooling: 'patches-and-largest',
    },
  ] satisfies Partial<Architecture>[]) {
    test(`${departures.pooling}, and what goes with it`, async () => {
      const architecture: Architecture = { ...TINY, imageSize: [24, 16], ...departures };
      const tensors = await tensorsOf(await tinyModel(architecture));
      await expectAgreement(architecture, tensors, ['attention', 'tokens', 'logits'], 2);
    });
  }

  test('computes nothing that is not asked for', async () => {
    const tensors = await tensorsOf(await tinyModel());
    const lookup = (name: string) => tensors.get(name)!;
    const embedding = byteLength(exportOnnx(TINY_MODEL, lookup, { outputs: ['embedding'] }));
    const logits = byteLength(exportOnnx(TINY_MODEL, lookup, { outputs: ['logits'] }));
    const { width, classes } = TINY;
    // Without the head's weight and bias, and what names them.
    expect(logits - embedding).toBeGreaterThanOrEqual(4 * classes * (width + 1));
  });
});

describe('refusals', () => {
  test('an output that the model does not have', async () => {
    const tensors = await tensorsOf(await tinyModel());
    const lookup = (name: string) => tensors.get(name)!;
    const outputs = ['mood'] as unknown as OutputName[];
    expect(() => exportOnnx(TINY_MODEL, lookup, { outputs })).toThrowError(
      expect.objectContaining({ code: 'bad-input', message: expect.stringContaining('logits') }),
    );
  });
});

async function familyTensors({ manifest, files }: Converted) {
  const shards = manifest.shards.map(({ file }) => files.get(file)!);
  return readTensors(manifest, shards);
}

describe('checkpoints of other libraries', () => {
  for (const family of [...FAMILY_NAMES, ...FAMILY2_NAMES]) {
    test(`${family}: every output`, async () => {
      const converted = await convertFamily(family);
      const { architecture } = converted.manifest;
      const outputs = Object.keys(planViT(withDefaults(architecture)).outputs) as OutputName[];
      await expectAgreement(architecture, await familyTensors(converted), outputs, 2);
    });
  }

  test('hf-beit: attention with relative positions, every token and every block', async () => {
    const converted = await convertFamily('hf-beit');
    const outputs: OutputName[] = ['attention', 'tokens', 'hidden'];
    await expectAgreement(converted.manifest.architecture, await familyTensors(converted), outputs, 2);
  });

  test('hf-clip: the text tower', async () => {
    const converted = await convertFamily('hf-clip');
    const architecture = withDefaults(converted.manifest.architecture);
    const tensors = await familyTensors(converted);
    const lookup = (name: string) => tensors.get(name)!;
    const file = whole(exportOnnx({ name: 'clip', architecture }, lookup, { tower: 'text' }));
    const T = architecture.text!.tokens;
    const ids = Array.from({ length: 3 * T }, (_, i) => (i * 7) % architecture.text!.vocabulary);
    const ends = [T - 1, 4, 0];
    const plan = planText(architecture, architecture.text!);
    const { embedding } = runReference(plan, lookup, { ids, ends }, 3);
    const computed = await runOnnx(file, {
      input_ids: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [3, T]),
      ends: new ort.Tensor('int64', BigInt64Array.from(ends, BigInt), [3]),
    });
    expectClose(computed.embedding.data as Float32Array, embedding, BOUND);
  });

  test('a model without text tower says so', async () => {
    expect(() => exportOnnx(TINY_MODEL, () => new Float32Array(), { tower: 'text' })).toThrow('has no text tower');
  });
});

describe('the command', () => {
  test('writes the embedded model, f16 shards as f32', async () => {
    const out = join(folder, 'vit-cifar10.onnx');
    const { exitCode, printed } = await runCommand('export-onnx', 'weights/vit-cifar10', '--out', out);
    expect(exitCode).toBe(0);
    expect(printed).toContain('vit-cifar10.onnx: vit-cifar10,');
    const { architecture, golden } = JSON.parse(readFileSync('weights/vit-cifar10/model.json', 'utf8'));
    const shape = [1, architecture.channels, ...architecture.imageSize];
    const pixels = new ort.Tensor('float32', goldenPixels(golden.seed, shape), shape);
    const { logits } = await runOnnx(readFileSync(out), { pixel_values: pixels });
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
      ...['convert', `${checkpoint}/model.safetensors`, '--out', model],
      ...['--mean', String(mean), '--std', String(std), '--resize', 'shortest-edge:248', '--crop', '224x224'],
      ...['--filter', 'bicubic', '--labels', `${checkpoint}/labels.json`, '--architecture', 'vit_tiny_patch16_224'],
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
    const pixel_values = new ort.Tensor('float32', pixels, [images, 3, 224, 224]);
    const { logits } = await runOnnx(readFileSync(out), { pixel_values });
    const expected = new Float32Array(new Uint8Array(readFileSync(`${checkpoint}/golden/logits.f32`)).buffer);
    expectClose(logits.data as Float32Array, expected, BOUND);
  }, 60_000);
});
