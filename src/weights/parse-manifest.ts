/**
 * From the JSON of a `model.json` to a `ParsedManifest` that everything after may trust: every field is there and of its type,
 * every tensor of the architecture lies within the shards, and no file name leaves the manifest's folder.
 */
import { ViTError } from '../error.ts';
import { embeddingWidth, type FullArchitecture } from '../model/architecture.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { tensorShapes } from '../model/tensors.ts';
import { CLEANINGS } from '../model/text.ts';
import { Field } from './field.ts';
import {
  ALIGNMENT,
  BYTES_PER_ELEMENT,
  DTYPES,
  FORMAT,
  type Golden,
  GROUP,
  type LoadedManifest,
  type Manifest,
  type ParsedManifest,
  PROBLEM_TYPES,
  type ProblemType,
  type ShardEntry,
  scaleBytes,
  shardStarts,
  type TensorEntry,
  VERSION,
  type Words,
} from './manifest.ts';
import { parseArchitecture } from './parse-architecture.ts';
import { parseCalibration } from './parse-calibration.ts';
import { parseFile } from './parse-file.ts';
import { parsePreprocess } from './parse-preprocess.ts';

/**
 * @param where names the manifest in messages: its URL or path
 * @throws ViTError `bad-manifest` naming the field; `unsupported-model` for a model that a newer version wrote
 */
export function parseManifest(json: unknown, where: string): ParsedManifest;
/** @param isProven false: it may be without a golden */
export function parseManifest(json: unknown, where: string, isProven: boolean): LoadedManifest;
export function parseManifest(json: unknown, where: string, isProven = true): LoadedManifest {
  const field = new Field(json, where, '');
  if (field.get('format').value !== FORMAT) field.fail(`is no ${FORMAT} manifest: its "format" is not "${FORMAT}"`);
  const version = field.get('version').value;
  if (version !== VERSION) {
    throw new ViTError(
      'bad-manifest',
      `${where} is of format version ${version}; this library reads version ${VERSION}. Convert the checkpoint again.`,
    );
  }
  const architecture = parseArchitecture(field.get('architecture'));
  const shards = field.get('shards').list(parseFile);
  const uneven = shards.findIndex(({ bytes }, i) => bytes % ALIGNMENT !== 0 && i < shards.length - 1);
  if (uneven >= 0) field.get('shards').fail(`[${uneven}].bytes is no multiple of ${ALIGNMENT}`);
  const manifest: LoadedManifest = {
    format: FORMAT,
    version: VERSION,
    name: field.get('name').string(),
    source: field.get('source').record() as Manifest['source'],
    architecture,
    preprocess: parsePreprocess(field.get('preprocess'), architecture.channels),
    labels: field.get('labels').list((label) => label.string(), architecture.classes),
    problemType: parseProblemType(field.get('problemType'), architecture.classes),
    tensors: parseTensors(field.get('tensors'), architecture, shards),
    shards,
    golden: isProven || field.has('golden') ? parseGolden(field.get('golden'), architecture) : undefined,
  };
  if (field.has('calibration')) {
    if (manifest.problemType !== 'single-label') field.get('calibration').fail('is of a model that gives no softmax');
    manifest.calibration = parseCalibration(field.get('calibration'), architecture.classes);
  }
  if (field.has('words')) manifest.words = parseWords(field.get('words'));
  checkPreprocess(field.get('preprocess'), manifest.preprocess, architecture);
  return manifest;
}

/** The softmax of one label would be 1 for every picture: its score is the sigmoid. */
function parseProblemType(field: Field, classes: number): ProblemType {
  const problemType = field.oneOf(PROBLEM_TYPES);
  return problemType === 'single-label' && classes === 1 ? 'multi-label' : problemType;
}

/** What the network takes is what its pictures become. */
function checkPreprocess(field: Field, { resize, crop }: Preprocess, { imageSize, patchSize }: FullArchitecture): void {
  // A shape of its own for each picture, in whole patches.
  if (!crop && resize?.mode === 'patches' && patchSize.every((side) => side === resize.size)) return;
  const output = crop ?? (resize?.mode === 'squash' ? resize : null);
  if (output?.height !== imageSize[0] || output.width !== imageSize[1]) {
    field.fail(`does not end in a crop or squash to the image size [${imageSize}]`);
  }
}

function parseGolden(field: Field, architecture: FullArchitecture): Golden {
  const { classes, width, text } = architecture;
  const numbers = (field: Field, count: number) => field.list((value) => value.number(), count);
  const features = embeddingWidth(architecture);
  return {
    seed: field.get('seed').integer(0),
    logits: numbers(field.get('logits'), classes),
    ...(classes === 0 && { embedding: numbers(field.get('embedding'), features || width) }),
    ...(text && {
      text: {
        ids: field
          .get('text')
          .get('ids')
          .list((id) => id.integer(0, text.vocabulary - 1)),
        embedding: numbers(field.get('text').get('embedding'), features),
      },
    }),
  };
}

function parseWords(field: Field): Words {
  return {
    tokenizer: parseFile(field.get('tokenizer')),
    clean: field.get('clean').oneOf(CLEANINGS),
    template: field.get('template').string(),
  };
}

/** Tensors beyond those of the architecture are left out: nothing would read them. */
function parseTensors(field: Field, architecture: FullArchitecture, shards: ShardEntry[]): Manifest['tensors'] {
  const tensors: Manifest['tensors'] = Object.create(null);
  const starts = shardStarts(shards);
  const total = starts[shards.length];
  // Otherwise a few bytes could ask for a list of any length.
  const named = Object.keys(field.record()).length;
  const { depth, text } = architecture;
  if (depth + (text?.depth ?? 0) > named) field.fail(`has ${named} entries, too few for the depth of the network`);

  for (const [name, shape] of tensorShapes(architecture)) {
    if (!field.has(name)) field.fail(`lacks the tensor ${name} ${formatShape(shape)}`);
    const entry = field.get(name);
    const tensor: TensorEntry = {
      dtype: entry.get('dtype').oneOf(DTYPES),
      shape: entry.get('shape').list((size) => size.integer(1)),
      shard: entry.get('shard').integer(0, shards.length - 1),
      offset: entry.get('offset').integer(0),
      bytes: entry.get('bytes').integer(1),
    };
    const elements = shape.reduce((a, b) => a * b, 1);
    if (formatShape(tensor.shape) !== formatShape(shape)) {
      entry.fail(`has the shape ${formatShape(tensor.shape)}; this architecture needs ${formatShape(shape)}`);
    }
    if (tensor.dtype === 'i4' && (elements / shape[0]) % GROUP !== 0)
      entry.fail(`in i4 has rows of no multiple of ${GROUP}`);
    if (tensor.bytes !== elements * BYTES_PER_ELEMENT[tensor.dtype] + scaleBytes(tensor)) {
      entry.get('bytes').fail(`is ${tensor.bytes}; ${formatShape(shape)} in ${tensor.dtype} takes another number`);
    }
    if (tensor.offset % ALIGNMENT !== 0) entry.get('offset').fail(`is no multiple of ${ALIGNMENT}`);
    if (tensor.offset >= shards[tensor.shard].bytes || starts[tensor.shard] + tensor.offset + tensor.bytes > total) {
      entry.fail('reaches past the end of the shards');
    }
    tensors[name] = tensor;
  }
  refuseOverlap(field, tensors, starts);
  return tensors;
}

/** So that a model is no larger than its files. */
function refuseOverlap(field: Field, tensors: Manifest['tensors'], starts: number[]): void {
  let end = 0;
  let before = '';
  const begin = ({ shard, offset }: TensorEntry) => starts[shard] + offset;
  for (const [name, tensor] of Object.entries(tensors).sort(([, a], [, b]) => begin(a) - begin(b))) {
    if (begin(tensor) < end) field.fail(`has ${name} and ${before} in one place`);
    end = begin(tensor) + tensor.bytes;
    before = name;
  }
}

function formatShape(shape: number[]): string {
  return `[${shape.join(', ')}]`;
}
