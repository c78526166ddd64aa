/**
 * A tensor's numbers to the bytes that are stored.
 */
import { ViTError } from '../error.ts';
import { decodeHalfs, encodeHalfs } from '../weights/half.ts';
import type { Dtype } from '../weights/manifest.ts';

export interface Encoded {
  bytes: Uint8Array<ArrayBuffer>;
  /** What a reader of the bytes will see. */
  values: Float32Array<ArrayBuffer>;
}

/** @throws ViTError `numeric` naming the tensor, for NaN, infinity and numbers that f16 cannot hold. */
export function encode(name: string, values: Float32Array<ArrayBuffer>, dtype: Dtype): Encoded {
  const bad = firstNotFinite(values);
  if (bad >= 0) throw new ViTError('numeric', `${name} has ${values[bad]} as its element ${bad}.`);
  if (dtype === 'f32') return { bytes: new Uint8Array(values.buffer), values };
  const halves = encodeHalfs(values);
  const stored = decodeHalfs(halves);
  const overflow = firstNotFinite(stored);
  if (overflow >= 0) {
    throw new ViTError(
      'numeric',
      `${name} has ${values[overflow]} as its element ${overflow}, which f16 cannot hold (up to 65504); f32 can.`,
    );
  }
  return { bytes: new Uint8Array(halves.buffer), values: stored };
}

/** @returns its index; -1 when there is none. */
function firstNotFinite(values: Float32Array): number {
  // A loop: calling a function for each of a billion numbers takes ten times as long.
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}
