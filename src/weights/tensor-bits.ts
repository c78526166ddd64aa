/**
 * Tensors that stay in the 8 or 4 bits of their files.
 */
import type { Dtype } from './manifest.ts';

export type Bits = 8 | 4;

/** By the names of tensors. */
export type TensorBits = Readonly<Record<string, Bits>>;

const BITS: Partial<Record<Dtype, Bits>> = { i8: 8, i4: 4 };

export function bitsOfTensors(tensors: Readonly<Record<string, { dtype: Dtype }>>): TensorBits {
  const few = Object.entries(tensors).flatMap(([name, { dtype }]) => (BITS[dtype] ? [[name, BITS[dtype]]] : []));
  return Object.fromEntries(few);
}
