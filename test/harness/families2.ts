/**
 * What a fixture of `test/fixtures/families2` says of its checkpoint, as the answers that a person would give.
 */
import type { ConvertOptions } from '../../src/convert/convert.ts';

export interface Fixture {
  input: { file: string; shape: number[] };
  inputs?: Record<string, { file: string; shape: number[] }>;
  hints: {
    layout: string;
    num_heads?: number;
    /** Of the constructor. */
    args?: { img_size?: number; image_size?: number | [number, number]; patch_size?: number; num_heads?: number };
  };
  outputs: Record<string, { file: string; shape: number[] }>;
}

/** @param config config.json or open_clip_config.json beside the checkpoint, if there is one */
export function answersOf({ hints, input: { shape } }: Fixture, config: unknown): Partial<ConvertOptions> {
  const { layout, args = {} } = hints;
  const square = (side: number | undefined): [number, number] | undefined =>
    side === undefined ? undefined : [side, side];
  // Whoever computes positions has no size of its own.
  const own =
    layout === 'vit-pytorch'
      ? ([shape[2], shape[3]] as [number, number])
      : square(args.img_size ?? (args.image_size as number));
  const [height, width] = (config ? sizeOf(config) : own) ?? [shape[2], shape[3]];
  return {
    config,
    ...((!config || layout === 'open_clip') && { heads: hints.num_heads ?? args.num_heads }),
    ...(!config && { imageSize: own }),
    ...(layout === 'vit-pytorch' && { patchSize: square(args.patch_size) }),
    preprocess: {
      resize: { mode: 'squash', height, width },
      filter: 'bilinear',
      crop: null,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    },
  };
}

/** What transformers, open_clip or timm say of it, or a grid of positions. */
function sizeOf(config: unknown): [number, number] | undefined {
  const { vision_config, model_cfg, model_args, ...top } = config as Record<string, Record<string, unknown>>;
  const all = { ...top, ...vision_config, ...(model_cfg?.vision_cfg as object), ...model_args } as Record<
    string,
    number
  >;
  const { image_size, img_size, num_patches, patch_size } = all;
  const grid = model_args?.pos_embed_grid_size as number[] | undefined;
  if (grid) return [grid[0] * patch_size, grid[1] * patch_size];
  const side = img_size ?? image_size ?? (num_patches && Math.sqrt(num_patches) * patch_size);
  return side === undefined ? undefined : [side, side];
}
