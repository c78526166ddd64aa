import source from '../../shaders/assemble.wgsl?raw';
import { ceilDiv, type Kernel, roundUp } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

const WORKGROUP = 64;

export interface AssembleSizes {
  /** N */
  tokens: number;
  /** Tokens in front of the patches. */
  prefix: number;
  /** D */
  width: number;
}

/** Bindings x, starts, y. Rows are tokens of all images. */
export function assemble({ tokens, prefix, width }: AssembleSizes): Kernel {
  const vectors = ceilDiv(width, 4);
  return {
    name: 'assemble',
    code: specialise('assemble.wgsl', source, { TOKENS: tokens, PREFIX: prefix, COLUMNS: vectors }),
    bindings: ['read', 'read', 'write'],
    grid: (rows) => [ceilDiv(tokens * vectors, WORKGROUP), 1, rows / tokens],
  };
}

/** Tensors that make up what tokens start from; what a model has not is null. */
export interface StartTensors {
  /** Prefix tokens, each of one or more rows, in order. */
  prefix: ArrayLike<number>[];
  /** `[positionPrefix + patches, width]` */
  position: ArrayLike<number> | null;
  /** Of the projection of patches, `[width]`. */
  bias: ArrayLike<number> | null;
}

/**
 * What each token starts from: prefix tokens, or the bias of the projection, with position embeddings on top.
 * @param tokens prefix tokens and patches
 * @param positionPrefix how many prefix tokens have a row of `position`
 * @returns `[tokens, width]`, rows padded to a multiple of 4 floats
 */
export function packStarts(
  { prefix, position, bias }: StartTensors,
  { tokens, positionPrefix, width }: { tokens: number; positionPrefix: number; width: number },
): Float32Array<ArrayBuffer> {
  const stride = roundUp(width, 4);
  const packed = new Float32Array(tokens * stride);
  const add = (token: number, from: ArrayLike<number>, row: number) => {
    for (let d = 0; d < width; d++) packed[token * stride + d] += from[row * width + d];
  };
  let token = 0;
  for (const tensor of prefix) {
    for (let row = 0; row < tensor.length / width; row++) add(token++, tensor, row);
  }
  if (position) for (let i = 0; i < positionPrefix; i++) add(i, position, i);
  for (let patch = 0; token < tokens; token++, patch++) {
    if (bias) add(token, bias, 0);
    if (position) add(token, position, positionPrefix + patch);
  }
  return packed;
}
