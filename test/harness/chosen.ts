/**
 * Of a spec's fixtures those that this run is about: all, or one of each family in a browser that takes minutes for them, as the
 * project in vite.config.ts says. In Node Vitest shows every project what any of them defines.
 */
const ONE_OF_EACH: readonly string[] = [
  ...[
    'hf-vit',
    'timm-deit-distilled',
    'timm-deit3',
    'hf-beit',
    'hf-clip',
    'hf-siglip',
    'hf-dinov2-registers-swiglu',
    'dino',
  ],
  ...['torchvision-vit-representation', 'torch-encoder-post-norm', 'jax-map-scan', 'vit-pytorch-mean'],
  ...['hf-dinov3-swiglu', 'timm-eva02-tiny', 'timm-pe-core-resampled', 'hf-aimv2-head', 'timm-rope-mixed-resampled'],
];

const IN_BROWSER = typeof document !== 'undefined';

export function chosen(names: string[]): string[] {
  return IN_BROWSER && import.meta.env.VIT_ONE_OF_EACH ? names.filter((name) => ONE_OF_EACH.includes(name)) : names;
}

/** Whether all that a fixture can show is to be shown: in Node, whose driver compiles for seconds, of one of each family. */
export function inFull(name: string): boolean {
  return IN_BROWSER || ONE_OF_EACH.includes(name);
}
