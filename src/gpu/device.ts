/**
 * One WebGPU device and its health. Errors that WebGPU reports on the side are kept here, and thrown by the next call
 * that asks: none is lost, none becomes a wrong result.
 */
import { ViTError } from '../error.ts';

/** What some kernels are made for; none is required. */
const OPTIONAL_FEATURES = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'] as GPUFeatureName[];

/** Milliseconds. */
const LOSS_TOLD_WITHIN = 200;

export class Gpu {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  /** What only an adapter tells: its subgroup matrices. */
  readonly adapterInfo: GPUAdapterInfo | null;
  readonly #owned: boolean;
  #failure: ViTError | null = null;

  /** @param owned whether `destroy` ends the device, too: not when it is the caller's own */
  constructor(device: GPUDevice, owned = false, adapterInfo: GPUAdapterInfo | null = null) {
    this.device = device;
    this.adapterInfo = adapterInfo;
    this.#owned = owned;
    this.info = device.adapterInfo;
    device.addEventListener('uncapturederror', ({ error }) => this.fail(fromGpuError(error, 'a GPU call')));
    device.lost.then(({ reason, message }) => {
      this.fail(new ViTError('device-lost', `The GPU was lost (${reason}). ${message}`.trim()));
    });
  }

  /**
   * A device with the default limits, which every WebGPU implementation grants, and every feature that a kernel can use.
   * @throws ViTError `no-webgpu`
   */
  static async request(powerPreference?: GPUPowerPreference): Promise<Gpu> {
    const gpu = globalThis.navigator?.gpu;
    if (!gpu) {
      throw new ViTError(
        'no-webgpu',
        'There is no WebGPU here: it needs a current browser and an https or localhost page.',
      );
    }
    const adapter = await gpu.requestAdapter({ powerPreference });
    if (!adapter) throw new ViTError('no-webgpu', 'The browser found no GPU that WebGPU can use.');
    try {
      const requiredFeatures = OPTIONAL_FEATURES.filter((feature) => adapter.features.has(feature));
      const device = await adapter.requestDevice({ label: 'vit-webgpu', requiredFeatures });
      return new Gpu(device, true, adapter.info);
    } catch (cause) {
      throw new ViTError('no-webgpu', 'The GPU refused to be used. Reload the page, or restart the browser.', {
        cause,
      });
    }
  }

  destroy(): void {
    if (this.#owned) this.device.destroy();
  }

  /** Remembers the first failure. */
  fail(error: ViTError): void {
    this.#failure ??= error;
  }

  /** @throws the failure that was remembered, on every call from then on */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure;
  }

  /**
   * Whether `error` came of the loss of the device. What fails for it can fail a little before the loss is told, and in
   * words of its own.
   */
  async isLost(error: unknown): Promise<boolean> {
    if (error instanceof ViTError && error.code !== 'shader') return error.code === 'device-lost';
    const later = new Promise<false>((resolve) => setTimeout(resolve, LOSS_TOLD_WITHIN, false));
    return Promise.race([this.device.lost.then(() => true), later]);
  }

  /**
   * Runs `work` within error scopes.
   * @throws ViTError `out-of-memory` or `shader`, naming `what`, when WebGPU objects to anything that `work` did
   */
  async checked<T>(what: string, work: () => T | Promise<T>): Promise<T> {
    this.throwIfFailed();
    const { device } = this;
    device.pushErrorScope('validation');
    device.pushErrorScope('out-of-memory');
    try {
      const result = await work();
      return result;
    } finally {
      // Popped whatever happened; an error of the GPU explains one of ours, so it goes first.
      const errors = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
      const error = errors.find((e) => e !== null);
      // biome-ignore lint/correctness/noUnsafeFinally: see above
      if (error) throw fromGpuError(error, what);
    }
  }
}

function fromGpuError(error: GPUError, what: string): ViTError {
  const outOfMemory = typeof GPUOutOfMemoryError !== 'undefined' && error instanceof GPUOutOfMemoryError;
  return outOfMemory
    ? new ViTError(
        'out-of-memory',
        `The GPU has not enough memory for ${what}. Close other pages or take a smaller model.`,
      )
    : new ViTError('shader', `WebGPU refused ${what}: ${error.message}`);
}
