/**
 * SwiftShader says that it is a graphics chip of which nothing is known, until mocks are restored.
 */
import { vi } from 'vitest';

export function pretendHardware(): void {
  vi.spyOn(GPUAdapterInfo.prototype, 'isFallbackAdapter', 'get').mockReturnValue(false);
  vi.spyOn(GPUAdapterInfo.prototype, 'architecture', 'get').mockReturnValue('unheard-of');
  vi.spyOn(GPUAdapterInfo.prototype, 'description', 'get').mockReturnValue('');
}
