/**
 * SwiftShader says that it is a graphics chip of which nothing is known, until mocks are restored.
 */
import { vi } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';

export function pretendHardware(): void {
  vi.spyOn(GPUAdapterInfo.prototype, 'isFallbackAdapter', 'get').mockReturnValue(false);
  vi.spyOn(GPUAdapterInfo.prototype, 'architecture', 'get').mockReturnValue('unheard-of');
  vi.spyOn(GPUAdapterInfo.prototype, 'description', 'get').mockReturnValue('');
}

/** A software adapter is taken without being asked for by name, as a GPU is. For tests of what comes after a GPU. */
export function takeSoftware(): void {
  const request = Gpu.request;
  vi.spyOn(Gpu, 'request').mockImplementation((powerPreference) => request.call(Gpu, powerPreference));
}
