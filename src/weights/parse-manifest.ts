/**
 * From the JSON of a `model.json` to a `Manifest` that everything after may trust: every field is there and of its type,
 * every tensor of the architecture lies within the shards, and no file name leaves the manifest's folder.
 */
import { ViTError } from '../error.ts';
import { ACTIVATIONS, type Architecture } from '../model/architecture.ts';
import { FILTERS, type Preprocess, type Resize } from '../model/preprocess.ts';
import { tensorShapes } from '../model/tensors.ts';
import {
  BYTES_PER_ELEMENT,
  FORMAT,
  type Manifest,
  type ShardEntry,
  shardStarts,
  type TensorEntry,
  VERSION,
} from './manifest.ts';

/** Offsets of tensors within a shard, and the sizes of all shards but the last, are multiples of it. */
export const ALIGNMENT = 256;

/** What is held in memory at once must be within what a browser gives. */
const MAX_SHARD_BYTES = 2 ** 30;

/**
 * @param where names the manifest in messages: its URL or path
 * @throws ViTError `bad-manifest` naming the field; `unsupported-model` for a model that a newer version wrote
 */
export function parseManifest(json: unknown, where: string): Manifest {
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
  const shards = field.get('shards').list(parseShard);
  const uneven = shards.findIndex(({ bytes }, i) => bytes % ALIGNMENT !== 0 && i < shards.length - 1);
  if (uneven >= 0) field.get('shards').fail(`[${uneven}].bytes is no multiple of ${ALIGNMENT}`);
  const manifest: Manifest = {
    format: FORMAT,
    version: VERSION,
    name: field.get('name').string(),
    source: field.get('source').record() as Manifest['source'],
    architecture,
    preprocess: parsePreprocess(field.get('preprocess'), architecture),
    labels: field.get('labels').list((label) => label.string()),
    problemType: field.get('problemType').oneOf(['single-label', 'multi-label']),
    tensors: parseTensors(field.get('tensors'), architecture, shards),
    shards,
    golden: {
      seed: field.get('golden').get('seed').integer(0),
      logits: field
        .get('golden')
        .get('logits')
        .list((logit) => logit.number()),
    },
  };
  if (manifest.labels.length !== architecture.classes) {
    field.get('labels').fail(`has ${manifest.labels.length} entries for ${architecture.classes} classes`);
  }
  return manifest;
}

function parseArchitecture(field: Field): Architecture {
  const architecture: Architecture = {
    imageSize: field.get('imageSize').pair(),
    patchSize: field.get('patchSize').pair(),
    channels: field.get('channels').integer(1),
    width: field.get('width').integer(1),
    depth: field.get('depth').integer(1),
    heads: field.get('heads').integer(1),
    mlpWidth: field.get('mlpWidth').integer(1),
    classes: field.get('classes').integer(1),
    activation: field.get('activation').oneOf(ACTIVATIONS),
    epsilon: field.get('epsilon').number(),
  };
  // A field that is not known here changes the network in a way that is not known either.
  const unknown = Object.keys(field.record()).find((name) => !(name in architecture));
  if (unknown) {
    throw new ViTError('unsupported-model', `${field.path(unknown)} is not known to this version of vit-webgpu.`);
  }
  const { imageSize, patchSize, width, heads, epsilon } = architecture;
  if (width % heads !== 0) field.get('heads').fail(`is ${heads}, which does not divide the width ${width}`);
  if (epsilon <= 0) field.get('epsilon').fail(`is ${epsilon}; it must be positive`);
  for (const side of [0, 1]) {
    if (imageSize[side] % patchSize[side] !== 0) {
      field.get('imageSize').fail(`[${imageSize}] is not a multiple of the patch size [${patchSize}]`);
    }
  }
  return architecture;
}

function parsePreprocess(field: Field, { channels, imageSize }: Architecture): Preprocess {
  const perChannel = (name: string) => {
    const values = field.get(name).list((value) => value.number());
    if (values.length !== channels) field.get(name).fail(`has ${values.length} values for ${channels} channels`);
    return values;
  };
  const std = perChannel('std');
  if (std.includes(0)) field.get('std').fail('holds a zero');
  const preprocess: Preprocess = {
    ...(field.has('background') && { background: field.get('background').rgb() }),
    ...(field.has('orientation') && { orientation: field.get('orientation').oneOf(['exif', 'stored'] as const) }),
    resize: field.get('resize').nullable(parseResize),
    filter: field.get('filter').oneOf(FILTERS),
    crop: field.get('crop').nullable((crop) => ({
      height: crop.get('height').integer(1),
      width: crop.get('width').integer(1),
      rounding: crop.get('rounding').oneOf(['floor', 'half-even']),
      ...(crop.has('fill') && { fill: crop.get('fill').rgb() }),
    })),
    mean: perChannel('mean'),
    std,
  };
  const { resize, crop } = preprocess;
  const output = crop ?? (resize?.mode === 'squash' ? resize : null);
  if (output?.height !== imageSize[0] || output.width !== imageSize[1]) {
    field.fail(`does not end in a crop or squash to the image size [${imageSize}]`);
  }
  return preprocess;
}

function parseResize(field: Field): Resize {
  const mode = field.get('mode').oneOf(['squash', 'shortest-edge', 'longest-edge']);
  return mode === 'squash'
    ? { mode, height: field.get('height').integer(1), width: field.get('width').integer(1) }
    : { mode, size: field.get('size').integer(1), rounding: field.get('rounding').oneOf(['trunc', 'round']) };
}

function parseShard(field: Field): ShardEntry {
  const file = field.get('file').string();
  const base = 'https://model.invalid/folder/';
  const url = URL.canParse(file, base) ? new URL(file, base).href : '';
  if (!url.startsWith(base) || file.includes('..') || file.startsWith('/')) {
    field.get('file').fail(`is "${file}"; it must be a relative path below the manifest's folder`);
  }
  const sha256 = field.get('sha256').string();
  if (!/^[0-9a-f]{64}$/.test(sha256)) field.get('sha256').fail('is not a SHA-256 in lower-case hexadecimal');
  return { file, bytes: field.get('bytes').integer(1, MAX_SHARD_BYTES), sha256 };
}

/** Tensors beyond those of the architecture are left out: nothing would read them. */
function parseTensors(field: Field, architecture: Architecture, shards: ShardEntry[]): Manifest['tensors'] {
  const tensors: Manifest['tensors'] = Object.create(null);
  const starts = shardStarts(shards);
  const total = starts[shards.length];

  for (const [name, shape] of tensorShapes(architecture)) {
    if (!field.has(name)) field.fail(`lacks the tensor ${name} ${formatShape(shape)}`);
    const entry = field.get(name);
    const tensor: TensorEntry = {
      dtype: entry.get('dtype').oneOf(['f32', 'f16']),
      shape: entry.get('shape').list((size) => size.integer(1)),
      shard: entry.get('shard').integer(0, shards.length - 1),
      offset: entry.get('offset').integer(0),
      bytes: entry.get('bytes').integer(1),
    };
    const elements = shape.reduce((a, b) => a * b, 1);
    if (formatShape(tensor.shape) !== formatShape(shape)) {
      entry.fail(`has the shape ${formatShape(tensor.shape)}; this architecture needs ${formatShape(shape)}`);
    }
    if (tensor.bytes !== elements * BYTES_PER_ELEMENT[tensor.dtype]) {
      entry.get('bytes').fail(`is ${tensor.bytes}; ${formatShape(shape)} in ${tensor.dtype} takes another number`);
    }
    if (tensor.offset % ALIGNMENT !== 0) entry.get('offset').fail(`is no multiple of ${ALIGNMENT}`);
    if (tensor.offset >= shards[tensor.shard].bytes || starts[tensor.shard] + tensor.offset + tensor.bytes > total) {
      entry.fail('reaches past the end of the shards');
    }
    tensors[name] = tensor;
  }
  return tensors;
}

function formatShape(shape: number[]): string {
  return `[${shape.join(', ')}]`;
}

/** A place in the JSON that knows its path, for messages. Only own properties count. */
class Field {
  readonly value: unknown;
  readonly #where: string;
  readonly #name: string;

  constructor(value: unknown, where: string, name: string) {
    this.value = value;
    this.#where = where;
    this.#name = name;
  }

  path(name: string): string {
    return `${this.#where}: ${this.#name ? `${this.#name}.` : ''}${name}`;
  }

  fail(problem: string): never {
    throw new ViTError('bad-manifest', `${this.#where}: ${this.#name} ${problem}.`.replace(':  ', ': '));
  }

  has(name: string): boolean {
    return Object.hasOwn(this.record(), name);
  }

  get(name: string): Field {
    const path = this.#name ? `${this.#name}.${name}` : name;
    return new Field(this.has(name) ? this.record()[name] : undefined, this.#where, path);
  }

  record(): Record<string, unknown> {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.#mustBe('an object');
    return value as Record<string, unknown>;
  }

  string(): string {
    if (typeof this.value !== 'string') this.#mustBe('a string');
    return this.value as string;
  }

  number(): number {
    if (typeof this.value !== 'number' || !Number.isFinite(this.value)) this.#mustBe('a number');
    return this.value as number;
  }

  integer(min: number, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.value as number;
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      this.#mustBe(
        max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min} on` : `a whole number in ${min}..${max}`,
      );
    }
    return value;
  }

  pair(): [number, number] {
    const values = this.list((value) => value.integer(1));
    if (values.length !== 2) this.#mustBe('[height, width]');
    return values as [number, number];
  }

  /** Three bytes. */
  rgb(): [number, number, number] {
    const bytes = this.list((byte) => byte.integer(0, 255));
    if (bytes.length !== 3) this.#mustBe('[red, green, blue]');
    return bytes as [number, number, number];
  }

  list<T>(parse: (item: Field) => T): T[] {
    if (!Array.isArray(this.value)) this.#mustBe('an array');
    return (this.value as unknown[]).map((item, i) => parse(new Field(item, this.#where, `${this.#name}[${i}]`)));
  }

  oneOf<T extends string>(names: readonly T[]): T {
    if (!names.includes(this.value as T)) this.#mustBe(`one of ${names.join(', ')}`);
    return this.value as T;
  }

  nullable<T>(parse: (field: Field) => T): T | null {
    return this.value === null ? null : parse(this);
  }

  #mustBe(what: string): never {
    if (this.value === undefined) this.fail('is missing');
    this.fail(`must be ${what}, not ${JSON.stringify(this.value)?.slice(0, 60)}`);
  }
}
