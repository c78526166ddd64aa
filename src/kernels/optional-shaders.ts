/**
 * Shaders of variants that are faster on some GPUs and needed on none. They are no part of the core: who has fetched them hands
 * them to the wrapper of their kernel.
 */
import { ViTError } from '../error.ts';

export type OptionalShader =
  | 'attention-scores.subgroups.wgsl'
  | 'attention-values.subgroups.wgsl'
  | 'attention.subgroups.wgsl'
  | 'attention.tiled.wgsl'
  | 'matmul.half.wgsl'
  | 'matmul.i4.wgsl'
  | 'matmul.i8.wgsl'
  | 'matmul.split.wgsl'
  | 'matmul.staged.wgsl'
  | 'matmul.subgroup-matrix.wgsl'
  | 'matmul.subgroups.wgsl';

/** WGSL by file. */
export type OptionalShaders = Readonly<Partial<Record<OptionalShader, string>>>;

/** @throws ViTError `shader` where it is not among them */
export function shaderOf(file: OptionalShader, shaders: OptionalShaders): string {
  const code = shaders[file];
  if (code === undefined) throw new ViTError('shader', `${file} was not loaded.`);
  return code;
}
