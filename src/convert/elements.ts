/**
 * Number formats of stored tensors: how many bytes an element takes, and bytes to float32. Names are the lower-case ones
 * of safetensors; every reader translates its format's own names into these.
 */
import { ViTError } from '../error.ts';
import { decodeHalfs } from '../weights/half.ts';
import { decodeBf16 } from './numbers.ts';

export const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  bool: 1,
  u8: 1,
  i8: 1,
  f8_e4m3: 1,
  f8_e5m2: 1,
  u16: 2,
  i16: 2,
  f16: 2,
  bf16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  u64: 8,
  i64: 8,
  f64: 8,
  c64: 8,
  c128: 16,
};

type Decoder = (buffer: ArrayBuffer) => Float32Array<ArrayBuffer>;

/** Little-endian, as the machines that run JavaScript are. */
const DECODERS: Record<string, Decoder> = {
  f64: (buffer) => Float32Array.from(new Float64Array(buffer)),
  f32: (buffer) => new Float32Array(buffer),
  f16: (buffer) => decodeHalfs(new Uint16Array(buffer)),
  bf16: (buffer) => decodeBf16(new Uint16Array(buffer)),
};

/**
 * Before anything is read, so that a tensor of another kind costs nothing.
 * @throws ViTError `bad-input` naming the tensor when its elements are no real numbers.
 */
export function requireReal(name: string, dtype: string): void {
  if (Object.hasOwn(DECODERS, dtype)) return;
  throw new ViTError('bad-input', `${name} is stored as ${dtype}; f64, f32, f16 and bf16 can be read.`);
}

/**
 * @param bytes alone in a buffer of their own, little-endian; the result may share it
 * @param dtype that `requireReal` let through
 */
export function decodeElements(bytes: Uint8Array<ArrayBuffer>, dtype: string): Float32Array<ArrayBuffer> {
  return DECODERS[dtype](bytes.buffer);
}
