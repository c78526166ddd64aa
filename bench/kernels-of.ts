/**
 * What this library chose for an adapter: a system that is named after a tier is to be seen to use it.
 */
import type { ViT } from '../src/index.ts';

/** @returns `matmul direct, matmul staged norm, attention tiled; weights as f16` */
export async function kernelsOf(vit: ViT, image: ImageData): Promise<string> {
  const { steps } = await vit.profile(image);
  const chosen = steps.filter(({ variant }) => variant !== null).map(({ kernel, variant }) => `${kernel} ${variant}`);
  return `${[...new Set(chosen)].join(', ')}; weights as ${vit.info.dtype}`;
}
