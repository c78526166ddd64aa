/**
 * From decoded pictures to normalised pixels on the GPU: upload, horizontal pass, vertical pass, normalise. The bytes in
 * between are Pillow's; the CPU path (`image/model-pixels.ts`, `image/normalize-bytes.ts`) gives the same floats.
 *
 * For each picture `upload` and then `record`, into the encoder that goes on with the network: one submit from picture
 * to logits. Scratch memory is kept: a photo of a size seen before creates no GPU object. A picture too large for one
 * upload goes up in strips, with a submit for each; one whose resize would not fit into a buffer is resized on the CPU.
 */
import { Buffers } from '../../gpu/buffers.ts';
import type { Kernel } from '../../gpu/kernel.ts';
import type { Pipelines } from '../../gpu/pipelines.ts';
import type { Picture } from '../../image/decode.ts';
import { normalize, normalizeTable } from '../../image/normalize-bytes.ts';
import { type Passes, planPasses } from '../../image/passes.ts';
import { pictureSource } from '../../image/read-pixels.ts';
import { resizeOnCpu } from '../../image/resize-on-cpu.ts';
import { NORMALIZE_WINDOW_BYTES, normalize as normalizeKernel, packNormalizeWindow } from '../../kernels/normalize.ts';
import { packResizePass, RESIZE_PASS_BYTES, resize } from '../../kernels/resize.ts';
import type { Architecture } from '../../model/architecture.ts';
import type { Preprocess } from '../../model/preprocess.ts';
import { BindGroups, type Operand } from './bind-groups.ts';
import { PreprocessPlan, type Strip, type Tile } from './preprocess-plan.ts';
import { ScratchBuffer, ScratchTexture } from './scratch.ts';

/** Pixels uploaded at once: 64 MiB, as texture and as buffer. That is a whole photo of 16 megapixels. */
const STRIP_PIXELS = 1 << 24;

/** Sizes of photos whose coefficients are kept. */
const KEPT_PLANS = 8;

/** Where the passes' parameters lie in their buffer: WebGPU wants offsets to be multiples of 256. */
const HORIZONTAL = 0;
const VERTICAL = 256;
const WINDOW = 512;

export interface PreprocessGpuOptions {
  spec: Preprocess;
  architecture: Pick<Architecture, 'channels' | 'imageSize'>;
  /**
   * `'cpu'` is for software adapters: a photo of 12 megapixels takes SwiftShader 740 ms to upload and 230 ms to resize, the
   * CPU path 110 ms in all. The floats are the same. Default `'gpu'`.
   */
  resizeOn?: 'gpu' | 'cpu';
  /** Pixels uploaded at once; for tests. */
  stripPixels?: number;
}

interface Stages {
  horizontal: Stage;
  vertical: Stage;
  normalize: Stage;
}

interface Stage {
  kernel: Kernel;
  pipeline: GPUComputePipeline;
}

export class PreprocessGpu {
  readonly #device: GPUDevice;
  readonly #spec: Preprocess;
  readonly #architecture: PreprocessGpuOptions['architecture'];
  /** Null when everything is done on the CPU. */
  readonly #stages: Stages | null;
  readonly #stripPixels: number;
  readonly #buffers: Buffers;
  /** The table of normalised bytes, for both paths. */
  readonly #table: Float32Array<ArrayBuffer>;
  readonly #tableBuffer: GPUBuffer;
  readonly #parameters: GPUBuffer;
  readonly #texture: ScratchTexture;
  readonly #scratch: {
    source: ScratchBuffer;
    middle: ScratchBuffer;
    resized: ScratchBuffer;
    horizontal: ScratchBuffer;
    vertical: ScratchBuffer;
  };
  readonly #plans = new Map<string, PreprocessPlan>();
  readonly #bindings = new BindGroups();
  /** The plan whose coefficients are in the buffers. */
  #loaded: PreprocessPlan | null = null;
  /** Uploaded, to be recorded. */
  #pending: Pending | null = null;

  /** @throws ViTError `bad-manifest` where mean and std do not fit the channels, `shader` */
  static async create(device: GPUDevice, pipelines: Pipelines, options: PreprocessGpuOptions): Promise<PreprocessGpu> {
    const { spec, architecture } = options;
    if (options.resizeOn === 'cpu') return new PreprocessGpu(device, options, null);
    const stage = async (kernel: Kernel): Promise<Stage> => ({ kernel, pipeline: await pipelines.get(kernel) });
    const [horizontal, vertical, normalize] = await Promise.all([
      stage(resize({ vertical: false, background: spec.background, grey: spec.mean.length === 1 })),
      stage(resize({ vertical: true })),
      stage(normalizeKernel({ ...architecture, fill: spec.crop?.fill ?? [0, 0, 0] })),
    ]);
    return new PreprocessGpu(device, options, { horizontal, vertical, normalize });
  }

  private constructor(
    device: GPUDevice,
    { spec, architecture, stripPixels = STRIP_PIXELS }: PreprocessGpuOptions,
    stages: Stages | null,
  ) {
    this.#device = device;
    this.#spec = spec;
    this.#architecture = architecture;
    this.#stages = stages;
    this.#stripPixels = stripPixels;
    this.#table = normalizeTable(spec, architecture.channels);
    const { STORAGE, COPY_DST } = GPUBufferUsage;
    this.#buffers = new Buffers(device);
    this.#tableBuffer = this.#buffers.create('preprocess/table', this.#table.byteLength, STORAGE | COPY_DST);
    device.queue.writeBuffer(this.#tableBuffer, 0, this.#table);
    this.#parameters = this.#buffers.create('preprocess/parameters', WINDOW + 256, STORAGE | COPY_DST);
    this.#texture = new ScratchTexture(device, 'preprocess/upload');
    const scratch = (name: string) => new ScratchBuffer(device, `preprocess/${name}`, STORAGE | COPY_DST);
    this.#scratch = {
      source: scratch('source'),
      middle: scratch('middle'),
      resized: scratch('resized'),
      horizontal: scratch('horizontal coefficients'),
      vertical: scratch('vertical coefficients'),
    };
  }

  get resizesOnGpu(): boolean {
    return this.#stages !== null;
  }

  /** GPU memory held. */
  get bytes(): number {
    const scratch = Object.values(this.#scratch).reduce((sum, { bytes }) => sum + bytes, 0);
    return this.#buffers.bytes + this.#texture.bytes + scratch;
  }

  destroy(): void {
    this.#buffers.destroy();
    this.#texture.destroy();
    for (const buffer of Object.values(this.#scratch)) buffer.destroy();
  }

  /**
   * Brings `picture` onto the GPU; it may be closed afterwards. `record` and the submit of its encoder must follow before
   * the next `upload`.
   * @param pixels `[images, C, H, W]`, with COPY_DST: where `record` will have image `image` written
   */
  upload(picture: Picture, pixels: GPUBuffer, image: number): void {
    const plan = this.#plan(picture.width, picture.height);
    const stages = this.#stages;
    if (!plan.fits || !stages) {
      this.#uploadFromCpu(picture, plan.passes, pixels, image);
      return;
    }
    this.#load(plan);
    this.#scratch.middle.get(plan.middleBytes);
    this.#scratch.resized.get(plan.resizedBytes);
    this.#write(WINDOW, packNormalizeWindow({ ...windowOf(plan.passes), image }));

    const tiles = tilesOf(picture, plan);
    const { columns, rows, firstRow, horizontal, vertical } = plan.passes;
    const inOnePiece = plan.strips.length === 1 && tiles.length === 1;
    // Like Pillow's, a pass is skipped where its dimension does not change. One remains: it crops, and drops alpha.
    const skipHorizontal = inOnePiece && !horizontal && vertical !== null && !this.#spec.background;
    this.#write(
      VERTICAL,
      packResizePass({
        width: columns.count,
        height: rows.count,
        taps: plan.vertical.taps,
        stride: skipHorizontal ? sourceStride(picture, plan) : columns.count,
        firstRow,
        firstColumn: skipHorizontal ? columns.first : 0,
        outputFirst: 0,
      }),
    );
    if (!inOnePiece) {
      for (const strip of plan.strips) this.#resizeStrip(picture, stages, plan, strip);
      this.#pending = { stages, plan, pixels, strip: null, skipHorizontal, copy: null };
      return;
    }
    const strip = plan.strips[0];
    const copy = this.#uploadTile(picture, plan, strip, tiles[0]);
    this.#pending = { stages, plan, pixels, strip, skipHorizontal, copy };
  }

  /** Records the work on the uploaded picture, in a compute pass of its own. */
  record(encoder: GPUCommandEncoder): void {
    const pending = this.#pending;
    this.#pending = null;
    if (!pending) return;
    const { stages, plan, pixels, strip, skipHorizontal, copy } = pending;
    copy?.(encoder);
    const pass = encoder.beginComputePass({ label: 'preprocess' });
    if (strip && !skipHorizontal) this.#horizontal(pass, stages, plan, strip);
    const { rows, columns, vertical } = plan.passes;
    const { source, middle, resized } = this.#scratch;
    if (vertical) {
      this.#dispatch(pass, stages.vertical, rows.count * columns.count, [
        [this.#parameters, VERTICAL, RESIZE_PASS_BYTES],
        this.#scratch.vertical.get(0),
        (skipHorizontal ? source : middle).get(0),
        resized.get(0),
      ]);
    }
    this.#dispatch(pass, stages.normalize, 1, [
      [this.#parameters, WINDOW, NORMALIZE_WINDOW_BYTES],
      (vertical ? resized : middle).get(0),
      this.#tableBuffer,
      pixels,
    ]);
    pass.end();
  }

  #plan(width: number, height: number): PreprocessPlan {
    const key = `${width} ${height}`;
    let plan = this.#plans.get(key);
    if (!plan) {
      plan = new PreprocessPlan(planPasses({ width, height }, this.#spec), this.#device.limits, this.#stripPixels);
      if (this.#plans.size === KEPT_PLANS) this.#plans.delete(this.#plans.keys().next().value!);
    }
    // Last in the order of the map: the least recently used one is dropped first.
    this.#plans.delete(key);
    this.#plans.set(key, plan);
    return plan;
  }

  /** Coefficients and parameters for a photo size. */
  #load(plan: PreprocessPlan): void {
    if (this.#loaded === plan) return;
    this.#loaded = plan;
    const { horizontal, vertical } = this.#scratch;
    for (const [buffer, data] of [
      [horizontal, plan.horizontal.data],
      [vertical, plan.vertical.data],
    ] as const) {
      this.#device.queue.writeBuffer(buffer.get(data.byteLength), 0, data);
    }
  }

  #write(offset: number, data: Uint32Array<ArrayBuffer>): void {
    this.#device.queue.writeBuffer(this.#parameters, offset, data);
  }

  /** Uploads a strip and resizes its rows, in submits of its own: the next strip uses the same memory. */
  #resizeStrip(picture: Picture, stages: Stages, plan: PreprocessPlan, strip: Strip): void {
    const { queue } = this.#device;
    const tiles = tilesOf(picture, plan);
    for (const tile of tiles) {
      const copy = this.#uploadTile(picture, plan, strip, tile);
      const encoder = this.#device.createCommandEncoder({ label: 'preprocess/strip' });
      copy?.(encoder);
      if (tile === tiles.at(-1)) {
        const pass = encoder.beginComputePass({ label: 'preprocess/strip' });
        this.#horizontal(pass, stages, plan, strip);
        pass.end();
      }
      queue.submit([encoder.finish()]);
    }
  }

  /** @returns what is still to be recorded to have the tile's pixels in the source buffer */
  #uploadTile(picture: Picture, plan: PreprocessPlan, strip: Strip, tile: Tile): Copy | null {
    const { queue } = this.#device;
    const stride = sourceStride(picture, plan);
    const buffer = this.#scratch.source.get(plan.stripBytes);
    this.#write(
      HORIZONTAL,
      packResizePass({
        width: plan.passes.columns.count,
        height: strip.count,
        taps: plan.horizontal.taps,
        stride,
        firstRow: 0,
        outputFirst: (strip.first - plan.passes.firstRow) * plan.passes.columns.count,
      }),
    );
    if ('data' in picture) {
      const rowBytes = picture.width * 4;
      const from = picture.data.byteOffset + strip.first * rowBytes;
      queue.writeBuffer(buffer, 0, picture.data.buffer, from, strip.count * rowBytes);
      return null;
    }
    const texture = this.#texture.get(Math.max(...plan.tiles.map(({ width }) => width)), plan.strips[0].count);
    const size = [tile.width, strip.count];
    queue.copyExternalImageToTexture(
      { source: picture, origin: [tile.x, strip.first] },
      { texture, premultipliedAlpha: false, colorSpace: 'srgb' },
      size,
    );
    return (encoder) =>
      encoder.copyTextureToBuffer({ texture }, { buffer, offset: tile.x * 4, bytesPerRow: stride * 4 }, size);
  }

  #horizontal(pass: GPUComputePassEncoder, stages: Stages, plan: PreprocessPlan, strip: Strip): void {
    this.#dispatch(pass, stages.horizontal, strip.count * plan.passes.columns.count, [
      [this.#parameters, HORIZONTAL, RESIZE_PASS_BYTES],
      this.#scratch.horizontal.get(0),
      this.#scratch.source.get(0),
      this.#scratch.middle.get(0),
    ]);
  }

  #dispatch(pass: GPUComputePassEncoder, { kernel, pipeline }: Stage, work: number, operands: Operand[]): void {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, this.#bindings.get(this.#device, pipeline, operands));
    pass.dispatchWorkgroups(...kernel.grid(work));
  }

  #uploadFromCpu(picture: Picture, passes: Passes, pixels: GPUBuffer, image: number): void {
    const rgb = resizeOnCpu(pictureSource(picture, this.#spec.background), passes);
    const planes = normalize(rgb, this.#table, this.#architecture.channels);
    this.#device.queue.writeBuffer(pixels, image * planes.byteLength, planes);
  }
}

type Copy = (encoder: GPUCommandEncoder) => void;

/** Pixels from one row of the uploaded picture to the next: bytes go up as they are, rows of a texture are padded. */
function sourceStride(picture: Picture, plan: PreprocessPlan): number {
  return 'data' in picture ? picture.width : plan.stride;
}

interface Pending {
  stages: Stages;
  plan: PreprocessPlan;
  pixels: GPUBuffer;
  /** The only strip, or null where all of them have been resized already. */
  strip: Strip | null;
  copy: Copy | null;
  /** The vertical pass reads the upload itself. */
  skipHorizontal: boolean;
}

/** Bytes need no texture, so no width is too much for them. */
function tilesOf(picture: Picture, plan: PreprocessPlan): readonly Tile[] {
  return 'data' in picture ? [{ x: 0, width: picture.width }] : plan.tiles;
}

function windowOf({ columns, rows }: Passes) {
  return { left: columns.at, top: rows.at, columns: columns.count, rows: rows.count };
}
