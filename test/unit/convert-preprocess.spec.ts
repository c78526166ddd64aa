import { describe, expect, test } from 'vitest';
import { Decisions } from '../../src/convert/decisions.ts';
import { JsonObject } from '../../src/convert/json.ts';
import { decidePreprocess } from '../../src/convert/preprocess/decide-preprocess.ts';
import { readPreprocessorConfig } from '../../src/convert/preprocess/image-processor.ts';
import type { PreprocessFacts } from '../../src/convert/preprocess/preprocess-facts.ts';
import { readPretrainedCfg } from '../../src/convert/preprocess/pretrained-cfg.ts';
import { TORCHVISION_PRESETS, torchvisionPreset } from '../../src/convert/preprocess/torchvision-presets.ts';
import type { Preprocess } from '../../src/model/preprocess.ts';

/** The values alone, without where they come from. */
function values(facts: PreprocessFacts): Partial<Preprocess> {
  return Object.fromEntries(Object.entries(facts).map(([part, fact]) => [part, fact?.value]));
}

const readHuggingFace = (file: object) => values(readPreprocessorConfig(file));
const readTimm = (config: object) => values(readPretrainedCfg(new JsonObject('config.json', config)));

describe('preprocessor_config.json', () => {
  const half = [0.5, 0.5, 0.5];

  test("what ViT's leaves out is the default of its class", () => {
    const expected = {
      resize: { mode: 'squash', height: 224, width: 224 },
      filter: 'bilinear',
      crop: null,
      mean: half,
      std: half,
    };
    expect(readHuggingFace({ image_processor_type: 'ViTImageProcessor' })).toEqual(expected);
    expect(readHuggingFace({ image_processor_type: 'ViTImageProcessorFast' })).toEqual(expected);
    expect(readHuggingFace({ feature_extractor_type: 'ViTFeatureExtractor', size: 224 })).toEqual(expected);
    const { filter } = readPreprocessorConfig({ image_processor_type: 'ViTImageProcessor' });
    expect(filter?.why).toContain("ViTImageProcessor's default");
  });

  test("what DeiT's leaves out is the default of its class", () => {
    expect(readHuggingFace({ image_processor_type: 'DeiTImageProcessor' })).toEqual({
      resize: { mode: 'squash', height: 256, width: 256 },
      filter: 'bicubic',
      crop: { height: 224, width: 224, rounding: 'floor' },
      mean: half,
      std: half,
    });
  });

  test("SigLIP 2's keeps the shape of pictures", () => {
    const expected = {
      resize: { mode: 'patches', size: 16, most: 256 },
      filter: 'bilinear',
      crop: null,
      mean: half,
      std: half,
    };
    expect(readHuggingFace({ image_processor_type: 'Siglip2ImageProcessor' })).toEqual(expected);
    const larger = { image_processor_type: 'Siglip2ImageProcessorFast', patch_size: 14, max_num_patches: 1024 };
    expect(readHuggingFace(larger).resize).toEqual({ mode: 'patches', size: 14, most: 1024 });
  });

  test('what it holds counts', () => {
    const file = {
      image_processor_type: 'ViTImageProcessor',
      size: { height: 384, width: 256 },
      resample: 3,
      do_center_crop: true,
      crop_size: { height: 300, width: 200 },
      image_mean: [0.1, 0.2, 0.3],
      image_std: [0.4, 0.5, 0.6],
      do_rescale: true,
      rescale_factor: 0.00392156862745098,
    };
    expect(readHuggingFace(file)).toEqual({
      resize: { mode: 'squash', height: 384, width: 256 },
      filter: 'bicubic',
      crop: { height: 300, width: 200, rounding: 'floor' },
      mean: [0.1, 0.2, 0.3],
      std: [0.4, 0.5, 0.6],
    });
  });

  test('the filter is the number Pillow gives it', () => {
    const filters = [0, 1, 2, 3, 4, 5].map((resample) => {
      return readHuggingFace({ image_processor_type: 'ViTImageProcessor', resample }).filter;
    });
    expect(filters).toEqual(['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming']);
    expect(() => readHuggingFace({ image_processor_type: 'ViTImageProcessor', resample: 6 })).toThrow('resample 6');
  });

  test('steps may be switched off', () => {
    const file = { image_processor_type: 'ViTImageProcessor', do_resize: false, do_normalize: false, image_mean: half };
    expect(readHuggingFace(file)).toMatchObject({ resize: null, mean: [0, 0, 0], std: [1, 1, 1] });
  });

  test('the shortest edge truncates', () => {
    const file = { image_processor_type: 'ViTImageProcessor', size: { shortest_edge: 256 }, crop_size: 224 };
    expect(readHuggingFace({ ...file, do_center_crop: true })).toMatchObject({
      resize: { mode: 'shortest-edge', size: 256, rounding: 'trunc' },
      crop: { height: 224, width: 224, rounding: 'floor' },
    });
  });

  test('what cannot be carried out is refused', () => {
    const file = { image_processor_type: 'ViTImageProcessor' };
    expect(() => readHuggingFace({ ...file, size: { shortest_edge: 1, longest_edge: 2 } })).toThrow('longest_edge');
    expect(() => readHuggingFace({ ...file, size: { max_height: 3 } })).toThrow('size has max_height');
    expect(() => readHuggingFace({ ...file, do_rescale: false })).toThrow('scales bytes by 1');
    expect(() => readHuggingFace({ ...file, rescale_factor: 1 / 127.5 })).toThrow('divides by 255 only');
    expect(() => readHuggingFace({ ...file, image_mean: '0.5' })).toThrow('image_mean must be a list of numbers');
    expect(() => readHuggingFace({ image_processor_type: 'OwlViTImageProcessor' })).toThrow(
      /OwlViTImageProcessor.*mean and std can be given/,
    );
    expect(() => readHuggingFace({})).toThrow('an image processor it does not name');
  });
});

describe("timm's pretrained_cfg", () => {
  const augreg = {
    input_size: [3, 224, 224],
    crop_pct: 0.9,
    crop_mode: 'center',
    interpolation: 'bicubic',
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
  };

  test('center: shortest edge to floor(size / crop_pct), truncating, and a crop that rounds half to even', () => {
    expect(readTimm(augreg)).toEqual({
      resize: { mode: 'shortest-edge', size: 248, rounding: 'trunc' },
      filter: 'bicubic',
      crop: { height: 224, width: 224, rounding: 'half-even' },
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
    });
    expect(readTimm({ ...augreg, crop_mode: undefined, crop_pct: 0.875 }).resize).toMatchObject({ size: 256 });
    expect(readTimm({ ...augreg, crop_pct: 1 }).resize).toMatchObject({ size: 224 });
  });

  test('squash: both edges', () => {
    expect(readTimm({ ...augreg, crop_mode: 'squash', input_size: [3, 90, 180] })).toMatchObject({
      resize: { mode: 'squash', height: 100, width: 200 },
      crop: { height: 90, width: 180, rounding: 'half-even' },
    });
  });

  test('border: longest edge, rounding, and the mean around it', () => {
    expect(readTimm({ ...augreg, crop_mode: 'border', mean: [0.485, 0.456, 0.406] })).toMatchObject({
      resize: { mode: 'longest-edge', size: 248, rounding: 'round' },
      crop: { height: 224, width: 224, rounding: 'half-even', fill: [124, 116, 104] },
    });
  });

  test('what cannot be carried out is refused', () => {
    expect(() => readTimm({ ...augreg, input_size: [3, 224, 448] }).resize).toThrow('crop_mode center to 224x448');
    expect(() => readTimm({ ...augreg, crop_mode: 'five' }).crop).toThrow('crop_mode five');
    expect(() => readTimm({ ...augreg, interpolation: 'random' })).toThrow('interpolation random');
  });

  test('what it leaves out stays open', () => {
    expect(readTimm({ interpolation: 'bicubic' })).toEqual({ filter: 'bicubic', mean: undefined, std: undefined });
  });
});

describe('the decision', () => {
  const model = {
    imageSize: [32, 32] as [number, number],
    patchSize: [16, 16] as [number, number],
    channels: 3,
  };
  const complete: Preprocess = {
    resize: { mode: 'squash', height: 32, width: 32 },
    filter: 'bilinear',
    crop: null,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  };
  function decide(flags: Partial<Preprocess>, ...sources: Partial<Preprocess>[]) {
    const decisions = new Decisions();
    const asFacts = (source: Partial<Preprocess>) =>
      Object.fromEntries(Object.entries(source).map(([part, value]) => [part, { value, why: 'a file' }]));
    const preprocess = decidePreprocess(model, flags, sources.map(asFacts), decisions);
    decisions.settle();
    return preprocess;
  }

  test('flags first, then the files in their order, part by part', () => {
    const files = [{ mean: [0.1, 0.1, 0.1], filter: 'box' as const }, complete];
    expect(decide({ filter: 'lanczos' }, ...files)).toEqual({ ...complete, filter: 'lanczos', mean: [0.1, 0.1, 0.1] });
  });

  test('no crop is needed after squashing to the size of the model', () => {
    const { crop, ...rest } = complete;
    expect(decide(rest)).toEqual({ ...rest, crop });
  });

  test('a crop is asked for after anything else', () => {
    const { crop: _, ...rest } = complete;
    const resize = { mode: 'shortest-edge', size: 36, rounding: 'trunc' } as const;
    expect(() => decide({ ...rest, resize })).toThrow('How pictures are cropped is not known');
    expect(() => decide({ ...rest, resize, crop: null })).toThrow('may have any size');
  });

  test('the outcome must have the size of the model', () => {
    const crop = { height: 24, width: 32, rounding: 'floor' } as const;
    expect(() => decide({ ...complete, crop })).toThrow('gives 24x32 pixels, but the model takes 32x32');
    expect(() => decide({ ...complete, resize: null })).toThrow('may have any size');
  });

  test('pictures that keep their shape become whole patches, and are not cropped', () => {
    const resize = { mode: 'patches', size: 16, most: 4 } as const;
    const { crop: _, ...rest } = complete;
    expect(decide({ ...rest, resize })).toEqual({ ...complete, resize });
    expect(() => decide({ ...rest, resize: { ...resize, size: 14 } })).toThrow('patches of 14; the model takes whole');
    const crop = { height: 32, width: 32, rounding: 'floor' } as const;
    expect(() => decide({ ...rest, resize, crop })).toThrow('crops pictures that keep their shape');
  });

  test('mean and std must have a number per channel', () => {
    expect(() => decide({ ...complete, mean: [0.5] })).toThrow('mean must be 3 numbers, one per channel, not 0.5');
    expect(() => decide({ ...complete, std: [1, 1, Number.NaN] })).toThrow('std must be 3 numbers');
    expect(() => decide({ ...complete, std: [1, 1, 0] })).toThrow('std must be above 0');
  });
});

describe("torchvision's presets", () => {
  const preset = (name: string) => values(torchvisionPreset(name));

  test('ViT-B/16 from scratch, and the 242 of ViT-L/16', () => {
    const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    expect(preset('ViT_B_16_Weights.IMAGENET1K_V1')).toEqual({
      resize: { mode: 'shortest-edge', size: 256, rounding: 'trunc' },
      filter: 'bilinear',
      crop: { height: 224, width: 224, rounding: 'half-even' },
      ...imagenet,
    });
    expect(preset('ViT_L_16_Weights.IMAGENET1K_V1').resize).toMatchObject({ size: 242 });
  });

  test('SWAG weights are bicubic at their own size', () => {
    for (const [name, size] of Object.entries({ B_16: 384, L_16: 512, H_14: 518 })) {
      expect(preset(`ViT_${name}_Weights.IMAGENET1K_SWAG_E2E_V1`)).toMatchObject({
        resize: { mode: 'shortest-edge', size },
        filter: 'bicubic',
        crop: { height: size, width: size },
      });
    }
  });

  test('every preset is one, and flags go before it', () => {
    for (const name of TORCHVISION_PRESETS) {
      const facts = torchvisionPreset(name);
      const { height } = facts.crop!.value!;
      const decisions = new Decisions();
      const model = {
        imageSize: [height, height] as [number, number],
        patchSize: [2, 2] as [number, number],
        channels: 3,
      };
      const decided = decidePreprocess(model, { filter: 'lanczos' }, [facts], decisions);
      expect(decided).toEqual({ ...values(facts), filter: 'lanczos' });
    }
  });
});
