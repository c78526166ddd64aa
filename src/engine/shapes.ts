/**
 * Pictures that keep their shape (SigLIP 2 NaFlex): each is as many patches as its sides have, and positions are resampled for it. They
 * are given to the network with the picture, so that networks of all shapes have the same weights.
 */
import type { InputData, UsePicture, Wanted } from '../backend.ts';
import { ViTError } from '../error.ts';
import type { Picture } from '../image/decode.ts';
import type { Geometry, Size } from '../image/geometry.ts';
import type { Outputs, Tensor } from '../interface.ts';
import { patchGrid } from '../model/architecture.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { resamplePositions } from '../model/resample.ts';
import type { LoadedManifest } from '../weights/manifest.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';

/** What the core has already. */
export interface Pixels {
  geometry(source: Size, spec: Preprocess): Geometry;
  pixelsOf(spec: Preprocess, channels: number): (picture: Picture) => Float32Array<ArrayBuffer>;
}

type ImageSize = [height: number, width: number];

/** Runs images of one size, in batches to which `inputOf` gives their input. */
type Run = (count: number, wanted: Wanted, inputOf: (first: number, batch: number) => InputData) => Promise<Outputs>;

/** Those of a picture cost a millisecond, and photos of a folder have few shapes. */
const MOST_STARTS = 16;

const POSITIONS = 'pos_embed';
const BIAS = 'patch_embed.proj.bias';

export class Shapes {
  readonly #manifest: LoadedManifest;
  readonly #sizeOf: (picture: { width: number; height: number }) => ImageSize;
  readonly #pixelsOf: ReturnType<Pixels['pixelsOf']>;
  readonly #tensors = new Map<string, Float32Array<ArrayBuffer>>();
  /** By image size. */
  readonly #starts = new Map<string, Float32Array<ArrayBuffer>>();

  /** @throws ViTError `unsupported-model` where more than the positions of patches depends on the size */
  constructor(manifest: LoadedManifest, { geometry, pixelsOf }: Pixels) {
    const { name, architecture, preprocess } = manifest;
    const { classToken, distillationToken, registerTokens, relativePositionBias, rotary } = architecture;
    const { patchNorm, pixelNorm, stem, positionEmbedding, width } = architecture;
    const others = classToken || distillationToken || registerTokens || patchNorm || pixelNorm || stem.length;
    if (others || rotary || relativePositionBias !== 'none' || positionEmbedding === 'none' || width % 8) {
      throw new ViTError(
        'unsupported-model',
        `${name} cannot keep the shape of pictures: that takes patches with positions of their own and nothing else, of a width ` +
          'that is a multiple of 8. Give an imageSize.',
      );
    }
    this.#manifest = manifest;
    this.#sizeOf = (picture) => {
      const { height, width } = geometry(picture, preprocess).output;
      return [height, width];
    };
    this.#pixelsOf = pixelsOf(preprocess, architecture.channels);
  }

  /** Takes what starts are made of, while the model is loaded. */
  keep({ name, length, first, data }: TensorPiece): void {
    if (name !== POSITIONS && name !== BIAS) return;
    const tensor = this.#tensors.get(name) ?? new Float32Array(length);
    this.#tensors.set(name, tensor);
    tensor.set(data, first);
  }

  /** @param use gives picture after picture; one that cannot be read is left out @returns outputs `[count, …]` */
  async runPictures(count: number, use: UsePicture, wanted: Wanted, run: Run): Promise<Outputs> {
    const groups = new Map<string, { size: ImageSize; images: number[]; pixels: Float32Array<ArrayBuffer>[] }>();
    for (let image = 0; image < count; image++) {
      await use(image, (picture) => {
        const size = this.#sizeOf(picture);
        const group = groups.get(String(size)) ?? { size, images: [], pixels: [] };
        groups.set(String(size), group);
        group.images.push(image);
        group.pixels.push(this.#pixelsOf(picture));
      });
    }
    const outputs: Outputs = {};
    for (const { size, images, pixels } of groups.values()) {
      const part = await this.#run(size, join(pixels), images.length, wanted, run);
      for (const name of wanted.outputs) {
        const { data, shape } = part[name]!;
        const perImage = data.length / images.length;
        outputs[name] ??= { data: new Float32Array(count * perImage), shape: [count, ...shape.slice(1)] };
        for (const [i, image] of images.entries()) {
          outputs[name].data.set(data.subarray(i * perImage, (i + 1) * perImage), image * perImage);
        }
      }
    }
    return outputs;
  }

  /** @param pixels `[images, C, H, W]`, of any size in whole patches @throws ViTError `bad-input` for another shape */
  async runPixels({ data, shape }: Tensor, wanted: Wanted, run: Run): Promise<Outputs> {
    const { architecture, preprocess } = this.#manifest;
    const { channels, patchSize } = architecture;
    const [count, , height, width] = shape;
    const { most } = preprocess.resize as Extract<Preprocess['resize'], { mode: 'patches' }>;
    const isWhole = shape.length === 4 && shape.every((length) => Number.isInteger(length) && length > 0);
    const [rows, columns] = [height / patchSize[0], width / patchSize[1]];
    const fits = isWhole && Number.isInteger(rows) && Number.isInteger(columns) && rows * columns <= most;
    if (!fits || shape[1] !== channels || data.length !== count * channels * height * width) {
      throw new ViTError(
        'bad-input',
        `There are ${data.length} pixels for the shape [${shape}]; this model takes [batch, ${channels}, height, width], in at most ` +
          `${most} patches of [${patchSize}].`,
      );
    }
    return this.#run([height, width], data, count, wanted, run);
  }

  #run(
    imageSize: ImageSize,
    pixels: Float32Array<ArrayBuffer>,
    count: number,
    wanted: Wanted,
    run: Run,
  ): Promise<Outputs> {
    const starts = this.#startsAt(imageSize);
    const perImage = pixels.length / count;
    return run(count, { ...wanted, imageSize }, (first, batch) => ({
      pixels: pixels.subarray(first * perImage, (first + batch) * perImage),
      starts,
    }));
  }

  #startsAt(imageSize: ImageSize): Float32Array<ArrayBuffer> {
    const key = String(imageSize);
    const known = this.#starts.get(key);
    if (known) return known;
    const { architecture } = this.#manifest;
    const { width, positionResampling } = architecture;
    const grids = { from: patchGrid(architecture), to: patchGrid({ ...architecture, imageSize }) };
    const starts = resamplePositions(this.#tensors.get(POSITIONS)!, positionResampling, { prefix: 0, width, ...grids });
    const bias = this.#tensors.get(BIAS);
    if (bias) for (let i = 0; i < starts.length; i++) starts[i] += bias[i % width];
    if (this.#starts.size === MOST_STARTS) this.#starts.clear();
    this.#starts.set(key, starts);
    return starts;
  }
}

function join(parts: Float32Array<ArrayBuffer>[]): Float32Array<ArrayBuffer> {
  const joined = new Float32Array(parts.length * parts[0].length);
  for (const [i, part] of parts.entries()) joined.set(part, i * part.length);
  return joined;
}
