/**
 * GPU memory that is kept from photo to photo and grows when one needs more: a buffer, or a texture to upload through.
 * Bytes are counted.
 */
export class ScratchBuffer {
  readonly #device: GPUDevice;
  readonly #label: string;
  readonly #usage: GPUBufferUsageFlags;
  #buffer: GPUBuffer | null = null;

  constructor(device: GPUDevice, label: string, usage: GPUBufferUsageFlags) {
    this.#device = device;
    this.#label = label;
    this.#usage = usage;
  }

  get bytes(): number {
    return this.#buffer?.size ?? 0;
  }

  /** At least `size` bytes; what was in it is lost when it grows. */
  get(size: number): GPUBuffer {
    if (!this.#buffer || this.#buffer.size < size) {
      this.destroy();
      this.#buffer = this.#device.createBuffer({
        label: this.#label,
        size: Math.ceil(size / 4) * 4,
        usage: this.#usage,
      });
    }
    return this.#buffer;
  }

  destroy(): void {
    this.#buffer?.destroy();
    this.#buffer = null;
  }
}

/** A texture does not grow beyond what one photo needs, or 64 MiB. */
const MAX_GROWTH_PIXELS = 1 << 24;

/** Decoded pictures get onto the GPU through a texture: nothing else takes an `ImageBitmap`. */
export class ScratchTexture {
  readonly #device: GPUDevice;
  readonly #label: string;
  #texture: GPUTexture | null = null;

  constructor(device: GPUDevice, label: string) {
    this.#device = device;
    this.#label = label;
  }

  get bytes(): number {
    return this.#texture ? this.#texture.width * this.#texture.height * 4 : 0;
  }

  /** At least `width` x `height` pixels of rgba8unorm. */
  get(width: number, height: number): GPUTexture {
    const texture = this.#texture;
    if (texture && texture.width >= width && texture.height >= height) return texture;
    // Large enough for what came before, too, so that upright and lying photos do not take turns in replacing it.
    let size = [Math.max(width, texture?.width ?? 0), Math.max(height, texture?.height ?? 0)];
    if (size[0] * size[1] > MAX_GROWTH_PIXELS) size = [width, height];
    this.destroy();
    this.#texture = this.#device.createTexture({
      label: this.#label,
      size,
      format: 'rgba8unorm',
      // The browser renders into it.
      usage: GPUTextureUsage.COPY_DST | GPUTextureUsage.COPY_SRC | GPUTextureUsage.RENDER_ATTACHMENT,
    });
    return this.#texture;
  }

  destroy(): void {
    this.#texture?.destroy();
    this.#texture = null;
  }
}
