/**
 * A tensor's numbers to the bytes that are stored.
 */
import { ViTError } from '../error.ts';
import { decodeHalfs, encodeHalfs } from '../weights/half.ts';
import type { Dtype } from '../weights/manifest.ts';
import { dequantise, I4, I8 } from './quantise.ts';

export interface Encoded {
  bytes: Uint8Array<ArrayBuffer>;
  /** What a reader of the bytes will see. */
  values: Float32Array<ArrayBuffer>;
}

/**
 * @param rows of an `i8` or `i4`: scales come first, then all elements
 * @throws ViTError `numeric` naming the tensor, for NaN, infinity and numbers that f16 cannot hold.
 */
export function encode(name: string, values: Float32Array<ArrayBuffer>, dtype: Dtype, rows = 1): Encoded {
  const bad = firstNotFinite(values);
  if (bad >= 0) throw new ViTError('numeric', `${name} has ${values[bad]} as its element ${bad}.`);
  if (dtype === 'f32') return { bytes: new Uint8Array(values.buffer), values };
  if (dtype === 'i8' || dtype === 'i4') {
    const { quantise, store } = dtype === 'i8' ? I8 : I4;
    const quantised = quantise(values, rows);
    const stored = dequantise(quantised);
    refuseOverflow(name, values, decodeHalfs(encodeHalfs(stored)), dtype);
    return { bytes: store(quantised), values: stored };
  }
  const halves = encodeHalfs(values);
  const stored = decodeHalfs(halves);
  refuseOverflow(name, values, stored, dtype);
  return { bytes: new Uint8Array(halves.buffer), values: stored };
}

/** @param halves what `values` are as halves */
function refuseOverflow(name: string, values: Float32Array, halves: Float32Array, dtype: Dtype): void {
  const overflow = firstNotFinite(halves);
  if (overflow < 0) return;
  throw new ViTError(
    'numeric',
    `${name} has ${values[overflow]} as its element ${overflow}, which ${dtype} cannot hold (up to 65504); f32 can.`,
  );
}

/** All of its bits are set in NaN and infinity. */
const EXPONENT = 0x7f80_0000;

/** @returns its index; -1 when there is none. */
function firstNotFinite(values: Float32Array): number {
  // A loop over their bits: calling a function for each of a billion numbers takes ten times as long, asking `isFinite` twice.
  const { buffer, byteOffset, length } = values;
  const bits = new Int32Array(buffer, byteOffset, length);
  for (let i = 0; i < length; i++) if ((bits[i] & EXPONENT) === EXPONENT) return i;
  return -1;
}
