/**
 * A checkpoint up to the point where its tensors are read, and the reading of them: everything of a conversion but the golden.
 *
 * All is decided from names, shapes and config files before the first tensor is read; then each tensor is read, rounded and
 * written in turn. In memory are one tensor and one shard.
 */
import { ViTError } from '../error.ts';
import {
  type Architecture,
  type FullArchitecture,
  patchCount,
  patchGrid,
  withDefaults,
} from '../model/architecture.ts';
import { isComputed, sincosPositions } from '../model/sincos.ts';
import { tensorShapes } from '../model/tensors.ts';
import { type Dtype, FORMAT, type Manifest, type Source, VERSION } from '../weights/manifest.ts';
import { release } from '../weights/memory.ts';
import type { Answers } from './answers.ts';
import type { Checkpoint } from './checkpoint.ts';
import { addRotary } from './convert-rotary.ts';
import { decideArchitecture, decideImage } from './decide-architecture.ts';
import { decideLabels } from './decide-labels.ts';
import { decideWords, type WordForm, wordsOf } from './decide-words.ts';
import { Decisions, type Finding } from './decisions.ts';
import { encode } from './encode-tensor.ts';
import { type Facts, readFacts } from './facts.ts';
import type { Recipe } from './families/map-tensors.ts';
import { checkShapes } from './model-tensors.ts';
import { decidePreprocess, preprocessSources } from './preprocess/decide-preprocess.ts';
import { DEFAULT_SHARD_BYTES, layOutShards, ShardWriter, shardEntries } from './shards.ts';
import type { Sink } from './sink.ts';

export interface ModelOptions extends Answers {
  /** Of the model, as `vit.info.name` will give it. */
  name: string;
  /** Where the checkpoint comes from. */
  source?: Source;
  /** The bytes of the model's own tokenizer.json, where it takes words; a model without a text tower needs none. */
  tokenizer?: Uint8Array<ArrayBuffer>;
  /** Makes a text of a label, which takes the place of `{}`. Default: the family's. */
  template?: string;
  /** Default `f32`, as exact as the checkpoint. */
  dtype?: Dtype;
  /** Of single tensors, by their names in the manifest: instead of what `dtype` makes of them. */
  dtypes?: ReadonlyMap<string, Dtype>;
  /** Default 8 MiB. */
  shardBytes?: number;
  /** Called with what was decided and why, before anything is written. */
  onFindings?: (findings: Finding[]) => void;
}

/** A model of which everything is known but the contents of its shards. */
export interface PreparedModel {
  /** The hashes of its shards are empty until they are written. */
  manifest: Omit<Manifest, 'golden'>;
  /** Its architecture, with the defaults. */
  network: FullArchitecture;
  /**
   * May be called again, and gives the same bytes.
   * @param sink gets the shards in order; the next one is begun when it has taken one
   * @param onProgress called after each tensor: bytes that are written, and bytes in all
   */
  write(sink: Sink, onProgress?: (done: number, total: number) => void): Promise<void>;
  /** A tensor as its shard has it. */
  stored(name: string): Promise<Float32Array<ArrayBuffer>>;
}

/**
 * The first half of `convertCheckpoint`: reads names, shapes and what an architecture keeps in tensors of one number.
 * @throws ViTError those of `convertCheckpoint`, but for `numeric`
 */
export async function prepareModel(whole: Checkpoint, options: ModelOptions): Promise<PreparedModel> {
  const {
    name,
    source = {},
    dtype = 'f32',
    dtypes,
    shardBytes = DEFAULT_SHARD_BYTES,
    onFindings,
    tokenizer,
    template,
    ...answers
  } = options;
  const { form, findings, checkpoint, recipes, ...decided } = decide(whole, answers, { tokenizer, template });
  onFindings?.(findings);
  const architecture = await readNumbers(decided.architecture, recipes, checkpoint);
  const network = withDefaults(architecture);
  const layout = layOutShards(tensorShapes(network), dtype, shardBytes, dtypes);
  const encoded = async (name: string) => {
    const { dtype, shape } = layout.tensors[name];
    const values = await make(recipes.get(name)!, checkpoint);
    const result = encode(name, values, dtype, shape[0]);
    if (result.values !== values) release(values.buffer);
    return result;
  };
  const shards = shardEntries(layout);
  return {
    manifest: {
      format: FORMAT,
      version: VERSION,
      name,
      source,
      ...decided,
      architecture,
      ...(form && tokenizer && { words: await wordsOf(form, tokenizer) }),
      tensors: layout.tensors,
      shards,
    },
    network,
    async write(sink, onProgress) {
      const total = Object.values(layout.tensors).reduce((sum, { bytes }) => sum + bytes, 0);
      const writer = new ShardWriter(layout, sink, shards);
      let done = 0;
      for (const [name, { bytes }] of Object.entries(layout.tensors)) {
        const { bytes: stored, values } = await encoded(name);
        await writer.add(name, stored);
        for (const buffer of new Set([stored.buffer, values.buffer])) release(buffer);
        done += bytes;
        onProgress?.(done, total);
      }
      await writer.finish();
    },
    stored: async (name) => (await encoded(name)).values,
  };
}

/** All that a manifest says of a model, and where its tensors come from. */
interface Decided extends Pick<Manifest, 'architecture' | 'preprocess' | 'labels' | 'problemType' | 'calibration'> {
  checkpoint: Checkpoint;
  recipes: Map<string, Recipe>;
  findings: Finding[];
}

function decide(
  whole: Checkpoint,
  answers: Answers,
  texts: Pick<ModelOptions, 'tokenizer' | 'template'>,
): Decided & { form: WordForm | null } {
  const decisions = new Decisions();
  const facts = readFacts(whole, answers, decisions);
  const image = facts.knowsPatches ? decideImage(facts, decisions) : undefined;
  const architecture = decideArchitecture(facts, image, decisions);
  const preprocess =
    image &&
    decidePreprocess(
      { ...facts.dimensions, ...image },
      answers.preprocess ?? {},
      preprocessSources(facts, image.imageSize),
      decisions,
    );
  const labels = decideLabels(facts, decisions);
  decisions.settle();
  // Nothing is undecided any more.
  const { checkpoint, recipes } = facts;
  const network = withDefaults(architecture!);
  addComputed(facts, network);
  checkShapes(recipes, tensorShapes(network));
  const note = ({ what, value, why }: Finding) => decisions.note(what, value, why);
  const form = decideWords(architecture!, recipes.has('logit_bias'), texts, note);
  return {
    form,
    checkpoint,
    recipes,
    findings: decisions.findings,
    architecture: architecture!,
    preprocess: preprocess!,
    ...labels,
  };
}

/** What is in no checkpoint, because the library computes it. */
function addComputed({ family, config, recipes }: Facts, architecture: FullArchitecture): void {
  const rotary = config?.rotary?.value ?? family.conventions.rotary;
  if (architecture.rotary && rotary) addRotary(recipes, rotary, architecture);
  const { positionResampling, positionEmbedding } = architecture;
  if (isComputed(positionResampling) && positionEmbedding !== 'none' && !recipes.has('pos_embed')) {
    const positions = sincosPositions(positionResampling, patchGrid(architecture), architecture.width);
    const shape = [1, patchCount(architecture), architecture.width];
    recipes.set('pos_embed', { from: [], shape, transform: { shape: () => shape, apply: () => positions.slice() } });
  }
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
  const values = transform.apply(
    inputs,
    from.map((name) => checkpoint.tensors.get(name)!.shape),
  );
  for (const { buffer } of inputs) if (buffer !== values.buffer) release(buffer);
  return values;
}
