import source from '../../shaders/attention.wgsl?raw';
import type { Capabilities } from '../gpu/capabilities.ts';
import { type ColumnLayout, packVector } from '../gpu/columns.ts';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { type Constants, continued, specialise } from '../gpu/specialise.ts';
import { type OptionalShader, type OptionalShaders, shaderOf } from './optional-shaders.ts';

/** Threads of a workgroup, in all variants. */
const WORKGROUP = 32;
/** Workgroup memory of `tiled`, where that holds four keys and values: half of what WebGPU guarantees. Bytes. */
const TILE_BYTES = 8192;
const MOST_TILE_BYTES = 16_384;
/** More keys in a tile gain nothing. */
const MOST_TILE_KEYS = 64;

export interface AttentionSizes {
  tokens: number;
  heads: number;
  headSize: number;
  /** Of the scores, before the softmax. */
  scale: number;
  /** A token attends only to itself and those before it. Default false. */
  causal?: boolean;
  /** [rows, columns] of patches, where a relative position bias is added to the scores. Default null. */
  grid?: readonly [number, number] | null;
  /** One query for all images instead of one per token. Default false. */
  sharedQuery?: boolean;
  /** Tokens before it are not seen. Default 0. */
  first?: number;
}

/** How the work is split: see the shaders. All but `direct` are optional. */
export interface AttentionTiling {
  entry: 'direct' | 'tiled' | 'subgroups';
}

const SHADERS = {
  tiled: 'attention.tiled.wgsl',
  subgroups: 'attention.subgroups.wgsl',
} as const satisfies Record<string, OptionalShader>;

/** Every way to split the work that a GPU can take: a tile holds heads of up to 512. */
export function attentionVariants(
  { headSize }: Pick<AttentionSizes, 'headSize'>,
  { subgroups }: Capabilities,
): AttentionTiling[] {
  return [
    { entry: 'direct' },
    ...(bytesOfFour(headSize) <= MOST_TILE_BYTES ? [{ entry: 'tiled' } as const] : []),
    ...(subgroups ? [{ entry: 'subgroups' } as const] : []),
  ];
}

/**
 * Bindings queries and keys (both the same buffer of Q, K, V; with `sharedQuery` the query, and K, V), table (any buffer
 * without `grid`), y. Rows are tokens of all images, with `sharedQuery` images; each head is padded with zeros to a
 * multiple of 4 floats.
 * @param shaders where `entry` is not direct
 */
export function attention(
  sizes: AttentionSizes,
  { entry }: AttentionTiling = { entry: 'direct' },
  shaders: OptionalShaders = {},
): Kernel {
  const { tokens, heads, headSize, sharedQuery = false, first = 0 } = sizes;
  const queries = sharedQuery ? 1 : tokens;
  const constants: Constants = { ...attentionConstants(sizes), SHARED_QUERY: sharedQuery, FIRST: first };
  if (entry === 'tiled') constants.TILE_KEYS = tileKeys(headSize);
  const [file, code] =
    entry === 'direct'
      ? ['attention.wgsl', source]
      : [SHADERS[entry], continued(source, shaderOf(SHADERS[entry], shaders))];
  // Scores, softmax and values as three kernels are what it was made of.
  const variant = entry === 'direct' ? !sharedQuery && 'fused' : entry;
  return {
    name: 'attention',
    entry,
    code: specialise(file, code, constants),
    bindings: ['read', 'read', 'read', 'write'],
    grid: (rows) => [ceilDiv(queries, WORKGROUP), heads, rows / queries],
    ...(variant && { variant }),
  };
}

/** Of this shader and of attention-scores.wgsl. */
export function attentionConstants(sizes: Omit<AttentionSizes, 'sharedQuery' | 'first'>): Constants {
  const { tokens, heads, headSize, scale, causal = false, grid = null } = sizes;
  return {
    TOKENS: tokens,
    HEADS: heads,
    VECTORS: ceilDiv(headSize, 4),
    SCALE: scale,
    CAUSAL: causal,
    RELATIVE_BIAS: grid !== null,
    GRID_ROWS: grid?.[0] ?? 1,
    GRID_COLUMNS: grid?.[1] ?? 1,
  };
}

/** Keys that fit into a tile with their values: a multiple of 4. */
function tileKeys(headSize: number): number {
  const bytes = bytesOfFour(headSize);
  if (bytes > MOST_TILE_BYTES)
    throw new RangeError(`A tile cannot hold four keys of ${4 * ceilDiv(headSize, 4)} floats.`);
  return Math.min(MOST_TILE_KEYS, 4 * Math.max(1, Math.floor(TILE_BYTES / bytes)));
}

/** Of four keys with their values. */
function bytesOfFour(headSize: number): number {
  return 4 * 2 * 16 * ceilDiv(headSize, 4);
}

/**
 * A relative position bias as the shader reads it.
 * @param table `[biases, heads]`
 * @returns `[heads, biases]`
 */
export function packBiasTable(table: ArrayLike<number>, heads: number): Float32Array<ArrayBuffer> {
  const biases = table.length / heads;
  const packed = new Float32Array(table.length);
  for (let bias = 0; bias < biases; bias++) {
    for (let head = 0; head < heads; head++) packed[head * biases + bias] = table[bias * heads + head];
  }
  return packed;
}

/**
 * The shared query: a vector that the model has learned, or a linear layer applied to it. Once, while loading, in f64.
 * @param latent `[D]`
 * @param weight `[D, D]`; undefined without a linear layer
 * @param bias `[D]`; likewise
 * @param columns of the heads
 */
export function packQuery(
  latent: ArrayLike<number>,
  weight: ArrayLike<number> | undefined,
  bias: ArrayLike<number> | undefined,
  columns: ColumnLayout,
): Float32Array<ArrayBuffer> {
  if (!weight || !bias) return packVector(latent, columns);
  const query = new Float64Array(columns.count);
  for (let o = 0; o < columns.count; o++) {
    query[o] = bias[o];
    for (let i = 0; i < columns.count; i++) query[o] += weight[o * columns.count + i] * latent[i];
  }
  return packVector(query, columns);
}
