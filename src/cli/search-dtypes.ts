/**
 * `--dtype auto`: for each matrix of a model's blocks the smallest format with which all together stay within a loss, measured on
 * pictures. What each costs by itself is measured first, on the CPU; squares of independent errors add, which gives a choice,
 * and the choice is measured as a whole and made more careful until it holds.
 */
import type { Checkpoint } from '../convert/checkpoint.ts';
import type { ConvertOptions } from '../convert/convert.ts';
import { encode } from '../convert/encode-tensor.ts';
import { type PreparedModel, prepareModel } from '../convert/prepare-model.ts';
import { sha256 } from '../convert/sha256.ts';
import { hasGroups, isMatrixOfBlock } from '../convert/shards.ts';
import { MemorySink } from '../convert/sink.ts';
import { ViTError } from '../error.ts';
import type { ViT } from '../index.ts';
import { embeddingWidth } from '../model/architecture.ts';
import { goldenOutput } from '../model/golden.ts';
import { hashesOf } from '../weights/hashes-of.ts';
import { BYTES_PER_ELEMENT, type Dtype, type Manifest, scaleBytes, shardStarts } from '../weights/manifest.ts';
import { importBuilt } from './command-files.ts';

/** From small to large; what is lost with the last is next to nothing. */
const LADDER = ['i4', 'i8', 'f16'] as const;
type Format = (typeof LADDER)[number];

/** Each is more careful than the one before: as many have been enough by far. */
const MOST_CHOICES = 12;

export interface Matrix {
  name: string;
  shape: number[];
  /** Squared loss of each format, of this matrix alone. */
  squares: Map<Format, number>;
}

export interface FoundDtypes {
  dtypes: Map<string, Dtype>;
  /** Of the whole choice. */
  loss: number;
  /** Name, format, and loss of that matrix alone. */
  rows: string[][];
}

/**
 * @param pictures paths
 * @param most loss: root mean square of what the outputs differ by, over that of how far they are from their mean
 * @param onProgress trials done, and in all
 * @throws ViTError `bad-input` where not even halves are within the loss
 */
export async function searchDtypes(
  checkpoint: Checkpoint,
  { onProgress: _, onFindings: __, ...options }: ConvertOptions,
  { pictures, most }: { pictures: string[]; most: number },
  onProgress: (done: number, total: number) => void,
): Promise<FoundDtypes> {
  // Pictures do not exercise a text tower.
  const prepared = await prepareModel(checkpoint, { ...options, text: false, dtype: 'f32', tokenizer: undefined });
  const trial = await Trial.start(prepared, pictures);
  const matrices: Matrix[] = Object.entries(prepared.manifest.tensors)
    .filter(([name]) => isMatrixOfBlock(name))
    .map(([name, { shape }]) => ({ name, shape, squares: new Map([['f16', 0]]) }));
  const total = matrices.reduce((sum, { shape }) => sum + (hasGroups(shape) ? 2 : 1), 0);
  let done = 0;
  for (const { name, shape, squares } of matrices) {
    for (const format of hasGroups(shape) ? (['i4', 'i8'] as const) : (['i8'] as const)) {
      squares.set(format, (await trial.loss(new Map([[name, format]]))) ** 2);
      onProgress(++done, total);
    }
  }
  let budget = most ** 2;
  for (let choices = 0; choices < MOST_CHOICES; choices++) {
    const dtypes = choose(matrices, budget);
    const loss = await trial.loss(dtypes);
    if (loss <= most) return { dtypes, loss, rows: matrices.map((matrix) => rowOf(matrix, dtypes.get(matrix.name)!)) };
    budget *= Math.min(0.7, 0.9 * (most / loss) ** 2);
  }
  throw new ViTError(
    'bad-input',
    `No choice of formats has a loss within ${most}. Give a larger --loss, or --dtype f16.`,
  );
}

/** The matrix that gains most for its bytes gets more bits, until the sum of all squares is within the budget. */
export function choose(matrices: Matrix[], budget: number): Map<string, Format> {
  const chosen = new Map<string, Format>(
    matrices.map(({ name, squares }) => [name, LADDER.find((format) => squares.has(format))!]),
  );
  const squareOf = ({ name, squares }: Matrix) => squares.get(chosen.get(name)!)!;
  const nextOf = ({ name }: Matrix) => LADDER[LADDER.indexOf(chosen.get(name)!) + 1];
  const gainOf = (matrix: Matrix) => {
    const next = nextOf(matrix);
    if (!next) return 0;
    const bytes = bytesOf(matrix.shape, next) - bytesOf(matrix.shape, chosen.get(matrix.name)!);
    return (squareOf(matrix) - matrix.squares.get(next)!) / bytes;
  };
  while (matrices.reduce((sum, matrix) => sum + squareOf(matrix), 0) > budget) {
    const best = matrices.reduce((a, b) => (gainOf(b) > gainOf(a) ? b : a));
    if (gainOf(best) <= 0) break;
    chosen.set(best.name, nextOf(best));
  }
  return chosen;
}

function bytesOf(shape: number[], dtype: Dtype): number {
  return shape.reduce((a, b) => a * b) * BYTES_PER_ELEMENT[dtype] + scaleBytes({ dtype, shape });
}

function rowOf({ name, squares }: Matrix, format: Format): string[] {
  return [name, format, Math.sqrt(squares.get(format)!).toFixed(4)];
}

/** The model in f32, some of whose matrices are rounded, beside itself as it is. */
class Trial {
  readonly #prepared: PreparedModel;
  readonly #manifest: Manifest;
  readonly #shards: Uint8Array<ArrayBuffer>[];
  readonly #pixels: Float32Array<ArrayBuffer>[];
  readonly #exact: Float32Array[];
  /** Of how far the exact outputs are from their mean. */
  readonly #spread: number;

  static async start(prepared: PreparedModel, pictures: string[]): Promise<Trial> {
    const sink = new MemorySink();
    await prepared.write(sink);
    const { network } = prepared;
    // Nobody asks for it on the CPU.
    const features = new Array(embeddingWidth(network) || network.width).fill(0);
    const golden = { seed: 1, logits: new Array(network.classes).fill(0) };
    const manifest = {
      ...prepared.manifest,
      golden: network.classes ? golden : { ...golden, embedding: features },
    };
    const shards = manifest.shards.map(({ file }) => sink.files.get(file)!);
    const vit = await load(manifest, shards);
    try {
      const pixels: Float32Array<ArrayBuffer>[] = [];
      for (const picture of pictures) pixels.push(await pixelsOf(vit, picture));
      return new Trial(prepared, manifest, shards, pixels, await outputsOf(vit, pixels));
    } finally {
      vit.dispose();
    }
  }

  private constructor(
    prepared: PreparedModel,
    manifest: Manifest,
    shards: Uint8Array<ArrayBuffer>[],
    pixels: Float32Array<ArrayBuffer>[],
    exact: Float32Array[],
  ) {
    this.#prepared = prepared;
    this.#manifest = manifest;
    this.#shards = shards;
    this.#pixels = pixels;
    this.#exact = exact;
    const all = exact.flatMap((output) => [...output]);
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    this.#spread = all.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  }

  async loss(dtypes: ReadonlyMap<string, Dtype>): Promise<number> {
    const shards = [...this.#shards];
    const entries = [...this.#manifest.shards];
    const starts = shardStarts(entries);
    const changed = new Set<number>();
    for (const [name, dtype] of dtypes) {
      const tensor = this.#manifest.tensors[name];
      const { values } = encode(name, await this.#prepared.stored(name), dtype, tensor.shape[0]);
      const bytes = new Uint8Array(values.buffer);
      let at = tensor.shard;
      for (let done = 0, offset = tensor.offset; done < bytes.length; at++, offset = 0) {
        if (!changed.has(at)) shards[at] = shards[at].slice();
        changed.add(at);
        const part = bytes.subarray(done, done + starts[at + 1] - starts[at] - offset);
        shards[at].set(part, offset);
        done += part.length;
      }
    }
    for (const at of changed) entries[at] = { ...entries[at], ...(await hashesOf(shards[at], sha256)) };
    const vit = await load({ ...this.#manifest, shards: entries }, shards);
    try {
      const outputs = await outputsOf(vit, this.#pixels);
      let squares = 0;
      for (const [i, exact] of this.#exact.entries()) {
        for (const [j, value] of exact.entries()) squares += (outputs[i][j] - value) ** 2;
      }
      return Math.sqrt(squares / this.#spread);
    } finally {
      vit.dispose();
    }
  }
}

async function load(manifest: Manifest, shards: Uint8Array<ArrayBuffer>[]): Promise<ViT> {
  const { loadViT }: typeof import('../node/index.ts') = await importBuilt('node', 'index.js');
  return loadViT({ manifest, shards }, { backend: 'cpu', dtype: 'f32', worker: false });
}

async function pixelsOf(vit: ViT, picture: string): Promise<Float32Array<ArrayBuffer>> {
  const { mean, std } = vit.info.preprocess;
  const { data, width, height } = await vit.preprocess(picture);
  const pixels = new Float32Array(mean.length * width * height);
  for (let i = 0; i < width * height; i++) {
    for (const [c, own] of mean.entries()) pixels[c * width * height + i] = (data[3 * i + c] / 255 - own) / std[c];
  }
  return pixels;
}

async function outputsOf(vit: ViT, pixels: Float32Array<ArrayBuffer>[]): Promise<Float32Array[]> {
  const { architecture } = vit.info;
  const name = goldenOutput(architecture);
  const shape = [1, architecture.channels, ...architecture.imageSize];
  const outputs: Float32Array[] = [];
  for (const data of pixels) outputs.push((await vit.forward({ data, shape }, { outputs: [name] }))[name]!.data);
  return outputs;
}
