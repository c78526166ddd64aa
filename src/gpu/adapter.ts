/**
 * What an adapter reports, and whether it is a software adapter: one that computes on the CPU.
 */
import type { AdapterInfo } from '../interface.ts';

export function adapterInfo({ vendor, architecture, description, isFallbackAdapter }: GPUAdapterInfo): AdapterInfo {
  const software = isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(`${architecture} ${description}`);
  return { vendor, architecture, description, software };
}
