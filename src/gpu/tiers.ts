/**
 * Shaders for GPUs that can do more than every GPU can, where they are at hand. They are not part of what a page downloads:
 * together they take 3 KB of its 60, and none was faster on the drivers it was measured on (`bench/RESULTS.md`). Who imports
 * `tier-shaders.ts` has them, and tuning tries them.
 */
import { ViTError } from '../error.ts';
import { type Constants, specialise } from './specialise.ts';

const shaders = new Map<string, string>();

/** @param sources WGSL by file name */
export function addTierShaders(sources: Record<string, string>): void {
  for (const [file, source] of Object.entries(sources)) shaders.set(file, source);
}

export function hasTierShaders(): boolean {
  return shaders.size > 0;
}

/** As `specialise`. @throws ViTError `shader` where the shader is not at hand, too */
export function specialiseTier(file: string, constants: Constants, scalar: 'f32' | 'f16' = 'f32'): string {
  const source = shaders.get(file);
  if (source === undefined) throw new ViTError('shader', `${file} is not at hand: tier-shaders.ts was not imported.`);
  return specialise(file, source, constants, scalar);
}
