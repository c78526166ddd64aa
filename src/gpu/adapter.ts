/**
 * What an adapter says of itself, and whether it is a software one: a CPU that computes what a GPU would.
 */
import type { AdapterInfo } from '../interface.ts';

export function adapterInfo({ vendor, architecture, description, isFallbackAdapter }: GPUAdapterInfo): AdapterInfo {
  const software = isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(`${architecture} ${description}`);
  return { vendor, architecture, description, software };
}
