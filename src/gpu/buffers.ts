/**
 * GPU buffers with their bytes counted, all freed together.
 */
import { ViTError } from '../error.ts';

export class Buffers {
  readonly #device: GPUDevice;
  readonly #buffers = new Set<GPUBuffer>();
  /** Held now. */
  bytes = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * A buffer of zeros.
   * @param size bytes, rounded up to a multiple of 4
   * @throws ViTError `out-of-memory` when the device allows no buffer of this size
   */
  create(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#device.limits;
    const limit = usage & GPUBufferUsage.STORAGE ? Math.min(maxBufferSize, maxStorageBufferBindingSize) : maxBufferSize;
    if (size > limit) {
      throw new ViTError('out-of-memory', `${label} needs ${size} bytes; this GPU allows ${limit} in one buffer.`);
    }
    const buffer = this.#device.createBuffer({ label, size: Math.ceil(size / 4) * 4, usage });
    this.#buffers.add(buffer);
    this.bytes += buffer.size;
    return buffer;
  }

  destroy(): void {
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers.clear();
    this.bytes = 0;
  }
}
