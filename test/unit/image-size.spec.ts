import { describe, expect, test } from 'vitest';
import { Resizing } from '../../src/engine/resizing.ts';
import { geometry } from '../../src/image/geometry.ts';
import { pixelsOf } from '../../src/image/model-pixels.ts';
import type { Preprocess } from '../../src/model/preprocess.ts';
import { resamplePositions, resampleRelative } from '../../src/model/resample.ts';
import { tensorShapes } from '../../src/model/tensors.ts';
import { atImageSize, resampling } from '../../src/weights/image-size.ts';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import type { TensorPiece } from '../../src/weights/tensor-assembler.ts';
import { expectClose, random } from '../harness/arrays.ts';
import { tinyModel } from '../harness/tiny-model.ts';

const { manifest: written } = await tinyModel();
const manifest = parseManifest(written, 'tiny');
const TINY = manifest.architecture;

describe('a manifest at another image size', () => {
  test('has the size in its architecture and at the end of its preprocessing', () => {
    const { architecture, preprocess } = atImageSize(manifest, [24, 40]);
    expect(architecture).toEqual({ ...TINY, imageSize: [24, 40] });
    expect(preprocess.resize).toEqual({ mode: 'squash', height: 24, width: 40 });
  });

  for (const [size, named] of [
    [[20, 16], 'height is 16 or 24, width is 16'],
    [[24, 7], 'height is 24, width is 8'],
    [[1, 1], 'height is 8, width is 8'],
  ] as [[number, number], string][]) {
    test(`${size} is refused with the nearest sizes`, () => {
      expect(() => atImageSize(manifest, size)).toThrow(named);
      expect(() => atImageSize(manifest, size)).toThrow(expect.objectContaining({ code: 'bad-input' }));
    });
  }

  for (const size of [[], [16], [16, 0], [16.5, 16], [16, 16, 3], ['16', 16]]) {
    test(`${JSON.stringify(size)} is no size`, () =>
      expect(() => atImageSize(manifest, size as never)).toThrow('imageSize must be [height, width]'));
  }

  const crop = { height: 224, width: 224, rounding: 'half-even' as const };
  for (const [title, resize, size, expected] of [
    ['a shorter edge', { mode: 'shortest-edge', size: 256, rounding: 'trunc' }, [448, 448], { size: 512 }],
    // So that a square picture covers the whole crop.
    [
      'a shorter edge, for a wide image',
      { mode: 'shortest-edge', size: 256, rounding: 'trunc' },
      [112, 448],
      { size: 512 },
    ],
    ['a longer edge', { mode: 'longest-edge', size: 224, rounding: 'round' }, [112, 448], { size: 112 }],
    ['both edges', { mode: 'squash', height: 248, width: 248 }, [112, 448], { height: 124, width: 496 }],
  ] as [string, Preprocess['resize'], [number, number], object][]) {
    test(`${title} before a crop is scaled in proportion`, () => {
      const larger = { ...manifest, architecture: { ...TINY, imageSize: [224, 224] as [number, number] } };
      const { preprocess } = atImageSize({ ...larger, preprocess: { ...manifest.preprocess, resize, crop } }, size);
      expect(preprocess.resize).toMatchObject(expected);
      expect(preprocess.crop).toEqual({ ...crop, height: size[0], width: size[1] });
    });
  }
});

describe('pictures that keep their shape', () => {
  const keeping = (size: number, crop: Preprocess['crop'] = null) => ({
    preprocess: { ...manifest.preprocess, resize: { mode: 'patches', size, most: 4 } as const, crop },
  });
  const [edge] = TINY.patchSize;

  test('need a manifest whose patches are those of the model, and no crop', () => {
    expect(parseManifest({ ...written, ...keeping(edge) }, 'model.json').preprocess.resize).toEqual({
      mode: 'patches',
      size: edge,
      most: 4,
    });
    const crop = { height: 8, width: 8, rounding: 'floor' } as const;
    for (const wrong of [keeping(edge + 1), keeping(edge, crop)]) {
      expect(() => parseManifest({ ...written, ...wrong }, 'model.json')).toThrow('does not end in a crop or squash');
    }
  });

  test('need a network of patches alone, unless all are brought to one size', () => {
    const pixels = { geometry, pixelsOf };
    expect(() => new Resizing({ ...manifest, ...keeping(edge) }, undefined, pixels)).toThrow(
      'cannot keep the shape of pictures',
    );
    const { shapes, preprocess } = new Resizing({ ...manifest, ...keeping(edge) }, [24, 40], pixels);
    expect([shapes, preprocess.resize]).toEqual([null, { mode: 'squash', height: 24, width: 40 }]);
  });
});

describe('tensors on their way', () => {
  const from = { ...TINY, registerTokens: 2, positionEmbedding: 'all-but-registers' as const };
  const beit = { ...TINY, positionEmbedding: 'none' as const, relativePositionBias: 'shared' as const };

  /** Hands over a tensor in pieces of 100, and collects what comes out. */
  function pass(name: string, data: Float32Array<ArrayBuffer>, add: (piece: TensorPiece) => void) {
    for (let first = 0; first < data.length; first += 100) {
      add({ name, length: data.length, first, data: data.slice(first, first + 100) });
    }
  }

  test('positions are resampled by the rule of the model, their prefix rows kept', () => {
    const to = { ...from, imageSize: [24, 40] as [number, number] };
    const positions = random(5 * 24, 1);
    const out: TensorPiece[] = [];
    pass(
      'pos_embed',
      positions,
      resampling(from, to, (piece) => out.push(piece)),
    );
    const grids = { from: [2, 2] as const, to: [3, 5] as const };
    const expected = resamplePositions(positions, 'bicubic-antialias', { prefix: 1, width: 24, ...grids });
    expect(out).toHaveLength(1);
    expect(out[0]).toMatchObject({ name: 'pos_embed', length: (1 + 15) * 24, first: 0 });
    expect(tensorShapes(to).get('pos_embed')).toEqual([1, 16, 24]);
    expectClose(out[0].data, expected, 0);
  });

  test('tables of relative positions too', () => {
    const to = { ...beit, imageSize: [24, 40] as [number, number] };
    const table = random((9 + 3) * 3, 1);
    const name = 'rel_pos_bias.relative_position_bias_table';
    const out: TensorPiece[] = [];
    pass(
      name,
      table,
      resampling(beit, to, (piece) => out.push(piece)),
    );
    expect(tensorShapes(to).get(name)).toEqual([out[0].length / 3, 3]);
    expectClose(out[0].data, resampleRelative(table, 'bilinear', { heads: 3, from: [2, 2], to: [3, 5] }), 0);
  });

  test('all others are handed on as they are, piece by piece', () => {
    const to = { ...from, imageSize: [24, 40] as [number, number] };
    const weight = random(250, 1);
    const out: TensorPiece[] = [];
    pass(
      'head.weight',
      weight,
      resampling(from, to, (piece) => out.push(piece)),
    );
    expect(out.map(({ first, data }) => [first, data.length])).toEqual([
      [0, 100],
      [100, 100],
      [200, 50],
    ]);
  });

  test('at the size of the files nothing is in between', () => {
    const sink = () => {};
    expect(resampling(from, { ...from }, sink)).toBe(sink);
  });
});
