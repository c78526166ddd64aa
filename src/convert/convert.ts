/**
 * A checkpoint to `model.json` and shards: the one entry, for the command line and for browsers.
 *
 * Everything is decided from names, shapes and config files before the first tensor is read; then each tensor is read,
 * rounded and written in turn. In memory are one tensor and one shard; for the golden, which is computed step by step,
 * every tensor is read once more.
 */
import { ViTError } from '../error.ts';
import type { Architecture } from '../model/architecture.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { tensorShapes } from '../model/tensors.ts';
import { type Calibration, type Dtype, FORMAT, type Manifest, type Source, VERSION } from '../weights/manifest.ts';
import { type ArchitectureFlags, decideArchitecture, decideImage } from './architecture.ts';
import type { Checkpoint } from './checkpoint.ts';
import { readConfig } from './configs/read.ts';
import { Decisions, type Finding } from './decisions.ts';
import { encode } from './encode.ts';
import { familyOf, forPatches } from './families/index.ts';
import type { Recipe } from './families/map-tensors.ts';
import { computeGolden } from './golden.ts';
import { decideLabels } from './labels.ts';
import { manifestText } from './manifest-text.ts';
import { unwrap } from './prefix.ts';
import { decidePreprocess } from './preprocess/decide.ts';
import { readPreprocessorConfig } from './preprocess/hugging-face.ts';
import { torchvisionPreset } from './preprocess/torchvision.ts';
import { DEFAULT_SHARD_BYTES, layOutShards, ShardWriter } from './shards.ts';
import type { Sink } from './sink.ts';
import { checkShapes, modelTensors } from './tensors.ts';
import { unscan } from './unscan.ts';

export interface ConvertOptions extends ArchitectureFlags {
  /** Of the model, as `vit.info.name` will give it. */
  name: string;
  /** Where the checkpoint comes from. */
  source?: Source;
  /** Default `auto`: told from the tensors' names. */
  layout?: string;
  /** What stands before the names of the model's tensors. Default: found out from the names, and told. */
  prefix?: string;
  /** The parsed config.json of timm or transformers. */
  config?: unknown;
  /** The parsed preprocessor_config.json of transformers. */
  preprocessor?: unknown;
  /** One of `TORCHVISION_PRESETS`: the preprocessing of torchvision's weights. */
  preset?: string;
  /** Parts of the preprocessing that are given by hand; they take precedence over config files. */
  preprocess?: Partial<Preprocess>;
  /** One per class. */
  labels?: string[];
  /** How far the model's scores may be believed. */
  calibration?: Calibration;
  /** Names of tensors to leave out although their meaning is not known. */
  ignore?: string[];
  /** Default `f32`, as exact as the checkpoint. */
  dtype?: Dtype;
  /** Default 8 MiB. */
  shardBytes?: number;
  /** Told what was decided and why, before anything is written. */
  onFindings?: (findings: Finding[]) => void;
  /** Told while tensors are written, in bytes, and then while the golden is computed, in steps of the network. */
  onProgress?: (stage: 'writing' | 'golden', done: number, total: number) => void;
}

/**
 * @param sink gets the shards as they are filled, and `model.json` last
 * @throws ViTError `unsupported-model` for models this version cannot run, naming the tensors; `bad-input` for broken
 *   checkpoints and where something is not told, with the flag to give; `numeric` for NaN and overflow.
 */
export async function convertCheckpoint(whole: Checkpoint, sink: Sink, options: ConvertOptions): Promise<Manifest> {
  const { checkpoint, recipes, findings, ...decided } = decide(whole, options);
  options.onFindings?.(findings);
  const architecture = await readNumbers(decided.architecture, recipes, checkpoint);

  const { dtype = 'f32', shardBytes = DEFAULT_SHARD_BYTES, onProgress } = options;
  const layout = layOutShards(tensorShapes(architecture), dtype, shardBytes);
  const total = Object.values(layout.tensors).reduce((sum, { bytes }) => sum + bytes, 0);
  const writer = new ShardWriter(layout, sink);
  const stored = async (name: string) => encode(name, await make(recipes.get(name)!, checkpoint), dtype);
  let done = 0;
  for (const [name, { bytes: size }] of Object.entries(layout.tensors)) {
    await writer.add(name, (await stored(name)).bytes);
    done += size;
    onProgress?.('writing', done, total);
  }
  const manifest: Manifest = {
    format: FORMAT,
    version: VERSION,
    name: options.name,
    source: options.source ?? {},
    ...decided,
    ...(options.calibration && { calibration: options.calibration }),
    architecture,
    tensors: layout.tensors,
    shards: await writer.finish(),
    golden: await computeGolden(
      architecture,
      async (name) => (await stored(name)).values,
      (done, total) => onProgress?.('golden', done, total),
    ),
  };
  await sink.write('model.json', new TextEncoder().encode(manifestText(manifest)));
  return manifest;
}

interface Decided extends Pick<Manifest, 'architecture' | 'preprocess' | 'labels' | 'problemType'> {
  /** With the prefix of its names stripped. */
  checkpoint: Checkpoint;
  recipes: Map<string, Recipe>;
  findings: Finding[];
}

function decide(whole: Checkpoint, options: ConvertOptions): Decided {
  const decisions = new Decisions();
  const { layout = 'auto' } = options;
  const { checkpoint: unwrapped, prefix, why } = unwrap(whole, options);
  if (prefix) decisions.note('prefix', prefix, why);
  const found = familyOf(unwrapped.tensors.keys(), layout, prefix);
  const telling = found.within ? 'what stood before the names of the tensors' : 'names of the tensors';
  decisions.note('layout', found.title, layout === 'auto' ? telling : '--layout');
  const checkpoint = unscan(unwrapped, found);
  const family = forPatches(found, options.patchSize);
  const isMissing = family.patchRules !== undefined && options.patchSize === undefined;
  if (isMissing) decisions.ask('The size of a patch is in no tensor. Give --patch-size HxW.');
  const { recipes, dimensions, ignored } = modelTensors(checkpoint, family, options.ignore);
  for (const { name, why } of ignored) decisions.note('left out', name, why);

  const config = options.config === undefined ? undefined : readConfig(options.config, dimensions.width);
  const image = isMissing ? undefined : decideImage(dimensions, config, options, decisions);
  const architecture = decideArchitecture(dimensions, image, family, config, options, decisions);
  const sources = [
    options.preset === undefined ? {} : torchvisionPreset(options.preset),
    options.preprocessor === undefined ? {} : readPreprocessorConfig(options.preprocessor),
    config?.preprocess ?? {},
    (image && family.preprocess?.(image.imageSize)) ?? {},
  ];
  const preprocess =
    image && decidePreprocess({ ...dimensions, ...image }, options.preprocess ?? {}, sources, decisions);
  const labels = decideLabels(dimensions.classes, options.labels, config, decisions);
  const problemType = config?.problemType?.value ?? 'single-label';
  if (options.calibration && (problemType !== 'single-label' || labels?.length === 0)) {
    decisions.ask('A calibration is of a softmax, and this model has none. Leave out --calibration.');
  }
  decisions.settle();
  // Nothing is undecided any more.
  checkShapes(recipes, tensorShapes(architecture!));
  return {
    checkpoint,
    recipes,
    findings: decisions.findings,
    architecture: architecture!,
    preprocess: preprocess!,
    labels,
    problemType,
  };
}

/** The numbers of an architecture that checkpoints keep as tensors. */
async function readNumbers(
  architecture: Architecture,
  recipes: Map<string, Recipe>,
  checkpoint: Checkpoint,
): Promise<Architecture> {
  const { text } = architecture;
  if (!text) return architecture;
  const number = async (name: string) => {
    const recipe = recipes.get(name);
    return recipe && (await make(recipe, checkpoint))[0];
  };
  const logitScale = await number('logit_scale');
  if (logitScale === undefined)
    throw new ViTError('unsupported-model', 'The checkpoint has a text tower but no logit_scale.');
  const logitBias = await number('logit_bias');
  return { ...architecture, text: { ...text, logitScale, ...(logitBias !== undefined && { logitBias }) } };
}

async function make({ from, transform }: Recipe, checkpoint: Checkpoint): Promise<Float32Array<ArrayBuffer>> {
  const inputs: Float32Array<ArrayBuffer>[] = [];
  for (const name of from) inputs.push(await checkpoint.read(name));
  return transform.apply(
    inputs,
    from.map((name) => checkpoint.tensors.get(name)!.shape),
  );
}
