/**
 * What a fixture of `test/fixtures/families` says of its checkpoint, as the flags that say it.
 */
import type { ConvertOptions } from '../../src/convert/convert.ts';

export interface Fixture {
  /** Default `model.safetensors`. */
  checkpoint?: string;
  input: { shape: number[] };
  hints: Hints;
}

/** What the tensors cannot tell. */
interface Hints {
  layout: string;
  num_heads?: number;
  activation?: ConvertOptions['activation'];
  eps?: number;
  norm_first?: boolean;
  qk_scale?: number;
  patch_size?: [number, number];
  /** Where patches form no square. */
  image_size?: [number, number];
  pooling?: ConvertOptions['pooling'];
}

/** @param imageSize that the checkpoint was trained for */
export function flagsOf(
  { hints, input: { shape } }: Fixture,
  [height, width] = [shape[2], shape[3]],
): Partial<ConvertOptions> {
  return {
    layout: hints.layout,
    heads: hints.num_heads,
    activation: hints.activation,
    epsilon: hints.eps,
    normFirst: hints.norm_first,
    qkScale: hints.qk_scale,
    patchSize: hints.patch_size,
    imageSize: hints.image_size,
    // The surrounding module of PyTorch's fixture pools its class token.
    pooling: hints.layout === 'torch-encoder' ? 'class' : hints.pooling,
    preprocess: {
      resize: { mode: 'squash', height, width },
      filter: 'bilinear',
      crop: null,
      mean: new Array(shape[1]).fill(0.5),
      std: new Array(shape[1]).fill(0.5),
    },
  };
}

/** Whether the fixture has a config.json that tells the rest. */
export function hasConfig({ hints }: Fixture): boolean {
  return hints.layout === 'hf';
}
