/**
 * The transforms that belong to torchvision's weights, by the names of its enumerations. A checkpoint does not say which
 * weights it holds, so the preset is named by hand.
 *
 * Source: torchvision/models/vision_transformer.py. All resize the shorter edge, cut out the middle, and normalise as for
 * ImageNet.
 */
import type { Filter } from '../../model/preprocess.ts';
import { fact } from '../fact.ts';
import type { PreprocessFacts } from './preprocess-facts.ts';

interface Preset {
  resize: number;
  crop: number;
  filter: Filter;
}

const FROM_SCRATCH: Preset = { resize: 256, crop: 224, filter: 'bilinear' };
/** SWAG weights with a linear head trained on top. */
const LINEAR: Preset = square(224);

const PRESETS: Record<string, Preset> = {
  'ViT_B_16_Weights.IMAGENET1K_V1': FROM_SCRATCH,
  'ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1': square(384),
  'ViT_B_16_Weights.IMAGENET1K_SWAG_LINEAR_V1': LINEAR,
  'ViT_B_32_Weights.IMAGENET1K_V1': FROM_SCRATCH,
  // No slip: this one was evaluated so.
  'ViT_L_16_Weights.IMAGENET1K_V1': { ...FROM_SCRATCH, resize: 242 },
  'ViT_L_16_Weights.IMAGENET1K_SWAG_E2E_V1': square(512),
  'ViT_L_16_Weights.IMAGENET1K_SWAG_LINEAR_V1': LINEAR,
  'ViT_L_32_Weights.IMAGENET1K_V1': FROM_SCRATCH,
  'ViT_H_14_Weights.IMAGENET1K_SWAG_E2E_V1': square(518),
  'ViT_H_14_Weights.IMAGENET1K_SWAG_LINEAR_V1': LINEAR,
};

export const TORCHVISION_PRESETS = Object.keys(PRESETS);

/** @param name one of `TORCHVISION_PRESETS` */
export function torchvisionPreset(name: string): PreprocessFacts {
  const { resize, crop, filter } = PRESETS[name];
  const why = `the preset ${name}`;
  return {
    resize: fact({ mode: 'shortest-edge', size: resize, rounding: 'trunc' }, why),
    crop: fact({ height: crop, width: crop, rounding: 'half-even' }, why),
    filter: fact(filter, why),
    mean: fact([0.485, 0.456, 0.406], why),
    std: fact([0.229, 0.224, 0.225], why),
  };
}

/** What was fine-tuned end to end sees the whole of the shorter edge. */
function square(size: number): Preset {
  return { resize: size, crop: size, filter: 'bicubic' };
}
