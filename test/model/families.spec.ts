/**
 * Whole models against the libraries that made them: checkpoints and outputs of timm, transformers, torchvision and
 * PyTorch, and of equations written down in float64. Each fixture is one line per output and backend.
 */
import { afterAll, describe, expect, test } from 'vitest';
import type { ConvertOptions } from '../../src/convert/convert.ts';
import { readTensors } from '../../src/convert/export-onnx.ts';
import { type EngineEvent, loadViT, type OutputName } from '../../src/index.ts';
import { expectClose, expectCloseOutputs, expectWithin } from '../harness/arrays.ts';
import { chosen, inFull } from '../harness/chosen.ts';
import { collectGarbageOfFamilies } from '../harness/collect-garbage.ts';
import { convert, convertOpened, fixture, readFloats, readJson } from '../harness/files.ts';
import { testGpu } from '../harness/gpu.ts';
import { type Fixture, flagsOf, hasConfig } from '../harness/hints.ts';
import { checkpointOf, openAiNames, tensorsOf } from '../harness/layouts.ts';
import { once } from '../harness/once.ts';

interface Expected extends Fixture {
  outputs: Record<string, { file: string; shape: number[] }>;
  /** The same model shown images of another size. */
  resized?: { input: { file: string; shape: number[] }; output: { file: string } };
}

const FAMILIES = [
  'dino',
  'dinov2-registers-classifier',
  'dinov2-training-swiglu',
  'hf-beit',
  'hf-beit-shared',
  'hf-clip',
  'hf-clip-classifier',
  'hf-deit-teacher',
  'hf-dinov2',
  'hf-dinov2-registers-swiglu',
  'hf-siglip',
  'hf-siglip-vision',
  'hf-vit',
  'hf-vit-base-model',
  'jax-map-scan',
  'jax-vit',
  'openai-clip',
  'openai-clip-archive',
  'timm-beit',
  'timm-clip-quickgelu',
  'timm-deit-distilled',
  'timm-deit3',
  'timm-dinov2-reg-swiglu',
  'timm-siglip',
  'timm-vit',
  'timm-vit-1ch',
  'timm-vit-avg-pool',
  'timm-vit-headless',
  'timm-vit-no-qkv-bias',
  'timm-vit-resampled',
  'torch-encoder-28x28-gray',
  'torch-encoder-post-norm',
  'torchvision-vit-representation',
  'vit-no-qkv-bias-distilled',
  'vit-patch-norm',
  'vit-pytorch',
  'vit-pytorch-mean',
  'vit-pytorch-old-mean',
  'vit-qk-scale',
  'vit-representation-tanh',
  'vit5',
];

/** The libraries compute in f32 too, in another order: measured 5e-6 of tokens up to 8, 2e-6 of logits. 1e-4 is the contract. */
const BOUND = 1e-4;

/** Halves have 11 bits: weights are off by 2e-4 of themselves, and two blocks of them add up to 1e-3 of the outputs. */
const F16_BOUND = 2e-3;

/** What a fixture's outputs are called here; a model without a head has its embedding for logits. */
const OUTPUTS: Record<string, OutputName> = {
  logits: 'logits',
  tokens: 'tokens',
  embedding: 'embedding',
  pooler: 'embedding',
  image_embeds: 'embedding',
  hidden: 'hidden',
  attention: 'attention',
};

/** The CPU computes the same wherever it runs: in Chrome it is enough. */
const BACKENDS = typeof document === 'undefined' ? (['webgpu'] as const) : (['webgpu', 'cpu'] as const);

for (const name of chosen(FAMILIES)) {
  describe(name, async () => {
    // The two CLIPs compute the same: OpenAI's is the other one under its names.
    const folder = fixture(`families/${name === 'openai-clip' ? 'hf-clip' : name}`);
    const expected = await readJson<Expected>(`${folder}/expected.json`);
    const { input, outputs, resized } = expected;
    const [, , height, width] = input.shape;
    // Trained for squares of 32, shown something larger.
    const imageSize: [number, number] | undefined = name === 'timm-vit-resampled' ? [height, width] : undefined;
    const options: ConvertOptions = {
      name,
      ...flagsOf(expected, imageSize ? [32, 32] : undefined),
      config: hasConfig(expected) ? await readJson(`${folder}/config.json`) : undefined,
      shardBytes: 8192,
    };
    const original = `${folder}/${expected.checkpoint ?? 'model.safetensors'}`;
    const convertTo = async (dtype: ConvertOptions['dtype']) => {
      if (name !== 'openai-clip') return convert(original, { ...options, dtype });
      const { manifest, shards } = await convert(original, options);
      const renamed = openAiNames(tensorsOf(manifest.tensors, await readTensors(manifest, shards)), {
        logit_scale: manifest.architecture.text!.logitScale,
      });
      const { preprocess } = options;
      const flags = { name, heads: 3, textHeads: 3, layout: 'openai-clip', preprocess, dtype };
      return convertOpened(checkpointOf(renamed), flags);
    };
    const files = await convertTo('f32');
    const pixels = { data: await readFloats(`${folder}/input.f32`), shape: input.shape };
    const headless = files.manifest.architecture.classes === 0;

    const tokenIds = async () => {
      const { file, shape } = outputs.input_ids;
      const ids = [...(await readFloats(`${folder}/${file}`))];
      return Array.from({ length: shape[0] }, (_, i) => ids.slice(i * shape[1], (i + 1) * shape[1]));
    };

    for (const backend of BACKENDS) {
      // One load and one run for all lines of a backend, and one device for all families.
      const how = async () =>
        ({ backend, worker: false, device: backend === 'webgpu' ? (await testGpu()).device : undefined }) as const;
      const model = once(async () => loadViT(files, { ...(await how()), imageSize }));
      const halves = once(async () => loadViT(await convertTo('f16'), { ...(await how()), imageSize }));
      const present = Object.entries(OUTPUTS).filter(([file]) => file in outputs);
      const nameOf = (file: string) => (headless && file === 'logits' ? 'embedding' : OUTPUTS[file]);
      const wanted = [...new Set(present.map(([file]) => nameOf(file)))];
      const computed = once(async () => (await model()).forward(pixels, { outputs: wanted }));
      const [first] = present[0];

      afterAll(async () => {
        for (const loaded of [model, halves]) if (loaded.begun) (await loaded()).dispose();
        if (backend === 'cpu') collectGarbageOfFamilies();
      });

      for (const [file] of present) {
        test(`${file} on ${backend}`, async () => {
          const { shape, data } = (await computed())[nameOf(file)]!;
          expectClose(shape, outputs[file].shape, 0);
          expectWithin(data, await readFloats(`${folder}/${outputs[file].file}`), BOUND);
        });
      }

      test(`${first} alone on ${backend}`, async () => {
        const output = nameOf(first);
        const { data } = (await (await model()).forward(pixels, { outputs: [output] }))[output]!;
        expectWithin(data, await readFloats(`${folder}/${outputs[first].file}`), BOUND);
      });

      if (backend === 'cpu') {
        // Alone it may need the last block's first row only.
        const pooled = headless ? 'embedding' : 'logits';
        test(`${pooled} alone has the same bits as beside all tokens`, async () => {
          const vit = await model();
          const alone = await vit.forward(pixels, { outputs: [pooled] });
          const beside = await vit.forward(pixels, { outputs: [pooled, 'hidden'] });
          expect(alone[pooled]).toEqual(beside[pooled]);
        });

        test('on three threads', async () => {
          const events: EngineEvent[] = [];
          const onEvent = (event: EngineEvent) => events.push(event);
          const vit = await loadViT(files, { ...(await how()), imageSize, threads: 3, onEvent });
          const outputs = await vit.forward(pixels, { outputs: wanted });
          const alone = await vit.forward(pixels, { outputs: [pooled] });
          const beside = await vit.forward(pixels, { outputs: [pooled, 'hidden'] });
          vit.dispose();
          expect([vit.info.cpu!.threads, ...events]).toEqual([3]);
          expectCloseOutputs(outputs, await computed());
          expectCloseOutputs(alone, { [pooled]: beside[pooled]! });
        });
      }

      if ('text_embeds' in outputs) {
        test(`text_embeds and logits_per_image on ${backend}`, async () => {
          const floats = (output: string) => readFloats(`${folder}/${outputs[output].file}`);
          const [texts] = outputs.input_ids.shape;
          const embeddings = await (await model()).embedText(await tokenIds());
          const images = (await computed()).embedding!;
          expectWithin(
            embeddings.flatMap((embedding) => [...embedding]),
            await floats('text_embeds'),
            BOUND,
          );
          const [batch, features] = images.shape;
          const { logitScale, logitBias = 0 } = files.manifest.architecture.text!;
          const scale = Math.exp(logitScale);
          const logits = Array.from({ length: batch * texts }, (_, i) => {
            const image = images.data.subarray(
              Math.floor(i / texts) * features,
              (Math.floor(i / texts) + 1) * features,
            );
            return scale * embeddings[i % texts].reduce((sum, value, d) => sum + value * image[d], 0) + logitBias;
          });
          expectWithin(logits, await floats('logits_per_image'), BOUND);
        });
      }

      if (resized) {
        const [, , ...size] = resized.input.shape;
        test(`images of ${size.join('x')} on ${backend}`, async () => {
          const vit = await loadViT(files, { ...(await how()), imageSize: size as [number, number] });
          const data = await readFloats(`${folder}/${resized.input.file}`);
          const output = headless ? 'embedding' : 'logits';
          const shown = { data, shape: resized.input.shape };
          const result = (await vit.forward(shown, { outputs: [output] }))[output]!;
          vit.dispose();
          expectWithin(result.data, await readFloats(`${folder}/${resized.output.file}`), BOUND);
        });
      }

      if (!inFull(name)) continue;
      test(`${first} from shards of f16 on ${backend}`, async () => {
        const output = nameOf(first);
        const { data } = (await (await halves()).forward(pixels, { outputs: [output] }))[output]!;
        expectClose(data, await readFloats(`${folder}/${outputs[first].file}`), F16_BOUND);
      });

      if ('text_embeds' in outputs) {
        test(`text_embeds from shards of f16 on ${backend}`, async () => {
          const embeddings = await (await halves()).embedText(await tokenIds());
          const expected = await readFloats(`${folder}/${outputs.text_embeds.file}`);
          expectClose(
            embeddings.flatMap((embedding) => [...embedding]),
            expected,
            F16_BOUND,
          );
        });
      }
    }
  });
}
