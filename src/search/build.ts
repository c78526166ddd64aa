/**
 * From embeddings, one after the other, to the files of an index. Knows no file system: whatever writes them is given.
 */
import { ViTError } from '../error.ts';
import { encodeHalfs } from '../weights/half.ts';
import { hashesOf } from '../weights/hashes-of.ts';
import type { ShardEntry } from '../weights/manifest.ts';
import { sha256 } from '../weights/verify.ts';
import {
  columnsOf,
  FORMAT,
  HALF_SCALE,
  type IndexManifest,
  type IndexModel,
  type IndexShard,
  MANIFEST,
  rowBytes,
  VERSION,
  type VectorDtype,
} from './index-manifest.ts';

export interface Embedding {
  id: string;
  /** `[dimension]`, of any length. */
  vector: Float32Array;
}

export interface BuildOptions {
  model: IndexModel;
  dimension: number;
  dtype: VectorDtype;
  /** Of the vectors of a shard, at most. Default 8 MiB, as of a model. */
  shardBytes?: number;
}

const SHARD_BYTES = 8 * 2 ** 20;

type Write = (file: string, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;

/**
 * Rows come in the order in which they are given. A shard is held in memory at a time, whatever the size of the index.
 * @param write is called once for each file; the manifest comes last
 * @throws ViTError `bad-input` naming a vector of another length, or one with NaN or infinity in it
 */
export async function buildIndex(
  embeddings: AsyncIterable<Embedding> | Iterable<Embedding>,
  { model, dimension, dtype, shardBytes = SHARD_BYTES }: BuildOptions,
  write: Write,
): Promise<IndexManifest> {
  const layout = { dimension, dtype };
  const columns = columnsOf(layout);
  const most = Math.max(1, Math.floor(shardBytes / rowBytes(layout)));
  const shards: IndexShard[] = [];
  const numbers = new Float32Array(most * columns);
  let ids: string[] = [];
  const flush = async () => {
    if (ids.length === 0) return;
    const number = String(shards.length + 1).padStart(5, '0');
    const vectors = encode(numbers.subarray(0, ids.length * columns), dtype);
    const list = new TextEncoder().encode(JSON.stringify(ids));
    shards.push({
      rows: ids.length,
      vectors: await writeEntry(`vectors-${number}.bin`, vectors, write),
      ids: await writeEntry(`ids-${number}.json`, list, write),
    });
    ids = [];
  };
  let rows = 0;
  for await (const { id, vector } of embeddings) {
    if (vector.length !== dimension) {
      throw new ViTError('bad-input', `The vector of ${id} has ${vector.length} numbers instead of ${dimension}.`);
    }
    numbers.set(toUnitLength(vector, id), ids.length * columns);
    ids.push(id);
    rows++;
    if (ids.length === most) await flush();
  }
  await flush();
  const manifest: IndexManifest = { format: FORMAT, version: VERSION, model, dimension, dtype, rows, shards };
  await write(MANIFEST, new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`));
  return manifest;
}

/** One of zeros stays what it is: it is as far from everything. */
function toUnitLength(vector: Float32Array, id: string): Float32Array {
  let square = 0;
  for (const value of vector) square += value * value;
  if (!Number.isFinite(square)) throw new ViTError('bad-input', `The vector of ${id} holds NaN or infinity.`);
  const length = Math.sqrt(square) || 1;
  return vector.map((value) => value / length);
}

function encode(numbers: Float32Array<ArrayBuffer>, dtype: VectorDtype): Uint8Array<ArrayBuffer> {
  if (dtype === 'f32') return new Uint8Array(numbers.slice().buffer);
  return new Uint8Array(encodeHalfs(numbers.map((value) => value * HALF_SCALE)).buffer);
}

async function writeEntry(file: string, bytes: Uint8Array<ArrayBuffer>, write: Write): Promise<ShardEntry> {
  await write(file, bytes);
  return { file, bytes: bytes.length, ...(await hashesOf(bytes, sha256)) };
}
