/**
 * One WebGPU device and its health. Errors that WebGPU reports asynchronously are stored here, and thrown by the next call
 * that checks: none is lost, none becomes a wrong result.
 */
import { ViTError } from '../error.ts';
import { whyNoWebGpu } from './absence.ts';
import { adapterInfo } from './adapter.ts';
import { type Capabilities, capabilitiesOf, FEATURES } from './capabilities.ts';

/** Milliseconds. */
const LOSS_REPORTED_WITHIN = 200;

export class Gpu {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  readonly capabilities: Capabilities;
  readonly #owned: boolean;
  #failure: ViTError | null = null;

  /** @param owned whether `destroy` ends the device, too: not when it is the caller's own */
  constructor(device: GPUDevice, owned = false, adapterInfo: GPUAdapterInfo | null = null) {
    this.device = device;
    this.capabilities = capabilitiesOf(device.features, adapterInfo);
    this.#owned = owned;
    this.info = device.adapterInfo;
    device.addEventListener('uncapturederror', ({ error }) => this.fail(fromGpuError(error, 'a GPU call')));
    device.lost.then(({ reason, message }) => {
      this.fail(new ViTError('device-lost', `The GPU was lost (${reason}). ${message}`.trim()));
    });
  }

  /**
   * A device with the default limits, which every WebGPU implementation grants, and every feature that a kernel can use.
   * @param accept.software whether a software adapter will do. Default true
   * @throws ViTError `no-webgpu`
   */
  static async request(powerPreference?: GPUPowerPreference, { software = true } = {}): Promise<Gpu> {
    const gpu = globalThis.navigator?.gpu;
    const adapter = await gpu?.requestAdapter({ powerPreference });
    if (!adapter) throw new ViTError('no-webgpu', whyNoWebGpu());
    if (!software && adapterInfo(adapter.info).software) {
      throw new ViTError(
        'no-webgpu',
        'WebGPU has no GPU here, only software in place of one; the CPU by itself is faster.',
      );
    }
    try {
      const requiredFeatures = (Object.values(FEATURES) as GPUFeatureName[]).filter((feature) =>
        adapter.features.has(feature),
      );
      const device = await adapter.requestDevice({ label: 'vit-webgpu', requiredFeatures });
      return new Gpu(device, true, adapter.info);
    } catch (cause) {
      throw new ViTError('no-webgpu', 'The browser could not open the GPU. Reload the page, or restart the browser.', {
        cause,
      });
    }
  }

  /** What still uses it fails before it can reach the device, which may be the caller's. */
  destroy(): void {
    this.fail(new ViTError('disposed', 'The model was disposed; load it again.'));
    if (this.#owned) this.device.destroy();
  }

  /** Stores the first failure. */
  fail(error: ViTError): void {
    this.#failure ??= error;
  }

  /** @throws the stored failure, on every call from then on */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure;
  }

  /** The device. @throws as `throwIfFailed` does: nothing that was destroyed gets into its queue */
  get alive(): GPUDevice {
    this.throwIfFailed();
    return this.device;
  }

  /**
   * Whether the loss of the device caused `error`. Calls can fail a little before the loss is reported, with errors of
   * their own.
   */
  async isLost(error: unknown): Promise<boolean> {
    if (error instanceof ViTError && error.code !== 'shader') return error.code === 'device-lost';
    const later = new Promise<false>((resolve) => setTimeout(resolve, LOSS_REPORTED_WITHIN, false));
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
      // Popped in any case; an error of the GPU explains one of ours, so it takes precedence.
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
        `The GPU does not have enough memory for ${what}. Close other pages or take a smaller model.`,
      )
    : new ViTError('shader', `WebGPU refused ${what}: ${error.message}`);
}
