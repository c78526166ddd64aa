/**
 * What an adapter can do at most, measured: multiply-adds per second and bytes per second. The floor that every time is
 * compared with follows from these two and from counting (`src/model/cost.ts`).
 */
import { fastest, measureFlops } from '../src/gpu/peak.ts';
import type { Cost } from '../src/model/cost.ts';
import copySource from './peak-copy.wgsl?raw';

export interface Peaks {
  /** f32 floating-point operations per second; a multiply-add is two. */
  flops: number;
  /** Bytes read and written per second. */
  bandwidth: number;
}

/** A measurement takes at least so long, so that a submit's own time vanishes. Milliseconds. */
const LONG_ENOUGH = 100;
/** WebGPU's default limit of a binding: beyond the caches of most devices. */
const COPY_BYTES = 128 * 2 ** 20;

export async function measurePeaks(device: GPUDevice): Promise<Peaks> {
  const { STORAGE } = GPUBufferUsage;
  const source = device.createBuffer({ size: COPY_BYTES, usage: STORAGE });
  const copy = device.createBuffer({ size: COPY_BYTES, usage: STORAGE });
  const flops = await measureFlops(device, LONG_ENOUGH);
  const copySeconds = await fastest(device, copySource, [source, copy], COPY_BYTES / 16 / 256, LONG_ENOUGH);
  for (const buffer of [source, copy]) buffer.destroy();
  return { flops, bandwidth: (2 * COPY_BYTES) / copySeconds };
}

/** @returns milliseconds below which this work cannot be done with f32 on this adapter */
export function floorOf({ macs, weights, values }: Cost, { flops, bandwidth }: Peaks): number {
  return 1000 * Math.max((2 * macs) / flops, (4 * (weights + values)) / bandwidth);
}
