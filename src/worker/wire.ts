/**
 * What crosses between the page and the engine: the types of both sides, and how an error crosses.
 * A leaf: it knows neither side. The engine's interface is the same whether a port lies between or not.
 */
import { expose, proxy, type Remote, transferHandlers, wrap } from 'comlink';
import { type ErrorCode, ViTError } from '../error.ts';
import type { Architecture } from '../model/architecture.ts';
import type { OutputName } from '../model/outputs.ts';
import type { Preprocess } from '../model/preprocess.ts';
import type { Calibration, Manifest } from '../weights/manifest.ts';

export { OUTPUT_NAMES, type OutputName } from '../model/outputs.ts';

export type BackendName = 'webgpu' | 'cpu';

/** A model in memory: what the converter returns. `shards` are in the order of `manifest.shards`. */
export interface ModelFiles {
  manifest: Manifest;
  shards: Uint8Array<ArrayBuffer>[];
}

export interface EngineOptions {
  /** `'auto'` takes the GPU and, where there is none, the CPU. Default `'auto'`. */
  backend?: 'auto' | BackendName;
  /**
   * How weights are kept on the GPU; products and sums are f32. `'f16'` takes half the memory, where the GPU has f16, and
   * f32 elsewhere. Default `'auto'`: f16 where the model's files are f16, so that nothing is rounded.
   */
  dtype?: 'auto' | 'f32' | 'f16';
  /** A hint to browsers on machines with two GPUs. */
  powerPreference?: GPUPowerPreference;
  /**
   * [height, width] in pixels, multiples of the model's patch size: positions are resampled as the model's library does
   * it, and preprocessing ends in this size. Default: what the model was trained for.
   */
  imageSize?: [number, number];
  /** Keep the model for the next visit, where the browser lets us. Default true. */
  cache?: boolean;
  /** A device to compute on, instead of asking for one. It cannot cross to a worker: only with `worker: false`. */
  device?: GPUDevice;
}

/** How far loading is. `loaded` and `total` are bytes of the manifest's shards. */
export interface Progress {
  stage: 'manifest' | 'weights' | 'compile' | 'ready';
  loaded: number;
  total: number;
}

/**
 * What happens to a model besides its answers:
 * `warning` something was done without, and the answers are right all the same;
 * `device-lost` the GPU is gone, and another one is being asked for; calls wait;
 * `recovered` calls are answered again, on a new device;
 * `fallback` from now on the CPU computes what the GPU did.
 */
export interface EngineEvent {
  type: 'warning' | 'device-lost' | 'recovered' | 'fallback';
  /** For people. */
  message: string;
  /** What `ViT.info` is from now on, where that changes: with `recovered`, `fallback`, and a warning that f16 was given up. */
  info?: ModelInfo;
}

export interface ModelInfo {
  name: string;
  architecture: Architecture;
  labels: string[];
  problemType: Manifest['problemType'];
  /** How far scores may be believed; null where that was not measured. `classify` heeds it, `forward` does not. */
  calibration: Calibration | null;
  backend: BackendName;
  /** Of the weights where they are computed with; the arithmetic is f32. */
  dtype: 'f32' | 'f16';
  adapter: AdapterInfo | null;
  parameters: number;
  /** Of all shards. */
  bytes: number;
  /** Images that are computed at once, at most. */
  maxBatch: number;
  /** Why the CPU is used although the GPU was welcome; null otherwise. */
  fallbackReason: string | null;
}

export interface AdapterInfo {
  vendor: string;
  architecture: string;
  description: string;
  /** A GPU imitated by the processor, such as SwiftShader. */
  software: boolean;
}

export function adapterInfo({ vendor, architecture, description, isFallbackAdapter }: GPUAdapterInfo): AdapterInfo {
  const software = isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(`${architecture} ${description}`);
  return { vendor, architecture, description, software };
}

/** Milliseconds that one call took in the engine, without the time it waited. */
export interface Timing {
  decode: number;
  preprocess: number;
  run: number;
}

/** A picture on its way to the engine: compressed, or as pixels. */
export type WireImage = Blob | ImageBitmap | ImageData;

export interface Tensor {
  data: Float32Array<ArrayBuffer>;
  shape: number[];
}

export type Outputs = Partial<Record<OutputName, Tensor>>;

/** Bytes `[height, width, 3]`: red, green, blue. */
export interface RgbImage {
  data: Uint8Array<ArrayBuffer>;
  width: number;
  height: number;
}

export interface Memory {
  /** Bytes of every GPU buffer held. */
  gpu: number;
  /** Bytes of typed arrays held: the CPU backend's weights, and the shards of a model that was given in memory. */
  cpu: number;
}

/** One step of the network, alone on made-up numbers, on the GPU against the CPU. */
export interface KernelCheck {
  /** The stem of the shader's file. */
  kernel: string;
  /** What a simpler kernel in its place would not do: `f16`, `subgroups`, `fused`. Absent from the simplest. */
  variant?: string;
  /** `block00/qkv` */
  step: string;
  passed: boolean;
  /** Largest error, of the largest value of the step or of 1. */
  error: number;
}

export interface SelfTest {
  passed: boolean;
  /** Each kernel once, in the order of the steps. Empty on the CPU. */
  kernels: KernelCheck[];
  /** Largest absolute difference to the golden logits, and what is allowed. */
  maxError: number;
  tolerance: number;
}

/** One dispatch of a run. */
export interface StepProfile {
  /** `block00/qkv`; where one dispatch does several steps, the last of them. */
  step: string;
  /** The stem of the shader's file. */
  kernel: string;
  /** Which way of doing it was chosen, such as `direct f16` or `staged norm`; null where there is but one. */
  variant: string | null;
  milliseconds: number;
  /** Floating-point operations, counted: a multiply-add is two. */
  flops: number;
  /** Share of what this GPU can do in that time, measured. */
  ofPeak: number;
}

export interface Profile {
  /** Of one picture, from the outside. */
  timing: Timing;
  /** f32 operations per second that this GPU can do at most, measured by a small kernel. */
  peak: number;
  /** In order. Each was measured alone and repeatedly: their sum may be a little less or more than `timing.run`. */
  steps: StepProfile[];
}

export interface ImageResults {
  outputs: Outputs;
  timing: Timing;
  /** Images that could not be decoded; their rows mean nothing. */
  failures: { image: number; error: WireError }[];
}

/** Which of a model's attention to look at. */
export interface AttendOptions {
  /** Block, from 0 on; negative ones count from the end. Default the last one. */
  layer?: number;
  /** Default the mean of all heads. */
  head?: number;
  /** Follow attention through all blocks up to `layer` (Abnar and Zuidema 2020) instead of within it. Default false. */
  rollout?: boolean;
}

/** The engine, as its caller sees it. One engine holds one model. */
export interface EngineInterface {
  load(
    source: string | ModelFiles,
    options: EngineOptions,
    notify: (message: Progress | EngineEvent) => void,
  ): Promise<ModelInfo>;
  /** `images` to outputs, one row per image. */
  runImages(images: WireImage[], outputs: OutputName[]): Promise<ImageResults>;
  /** Normalised pixels `[B, C, H, W]` to outputs. */
  runPixels(pixels: Tensor, outputs: OutputName[]): Promise<{ outputs: Outputs; timing: Timing }>;
  /** Texts as token ids to their embeddings, one row per text. */
  runTexts(texts: number[][]): Promise<{ outputs: Outputs; timing: Timing }>;
  /** The class token's attention over the patches, `[rows, columns]`. */
  attend(image: WireImage, options: AttendOptions): Promise<{ map: Tensor; timing: Timing }>;
  /** What the model is shown of a picture; `spec` instead of the model's own preprocessing where given. */
  preprocess(image: WireImage, spec?: Preprocess): Promise<RgbImage>;
  /** Of a run of one image. */
  profile(image: WireImage): Promise<Profile>;
  selfTest(): Promise<SelfTest>;
  memory(): Promise<Memory>;
  dispose(): Promise<void>;
}

export interface WireError {
  name: string;
  message: string;
  code?: ErrorCode;
  stack?: string;
  cause?: WireError;
}

/** Comlink carries name, message and stack of an error; a `ViTError`'s code and its chain of causes must cross too. */
export function packError(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const packed: WireError = { name: error.name, message: error.message, stack: error.stack };
  if (error instanceof ViTError) packed.code = error.code;
  if (error.cause !== undefined) packed.cause = packError(error.cause);
  return packed;
}

export function unpackError(packed: WireError): Error {
  const options = packed.cause ? { cause: unpackError(packed.cause) } : undefined;
  const error = packed.code ? new ViTError(packed.code, packed.message, options) : new Error(packed.message, options);
  error.name = packed.name;
  error.stack = packed.stack;
  return error;
}

/** The engine at the other end of a worker. Every method is asynchronous already, so the remote one has its type. */
export function wrapEngine(worker: Worker): Remote<EngineInterface> {
  installTransferHandlers();
  return wrap<EngineInterface>(worker);
}

/** Within a worker: serves `engine` to the page. */
export function exposeEngine(engine: EngineInterface): void {
  installTransferHandlers();
  expose(engine);
}

/** A callback that can be called from the other side. */
export const remoteCallback = proxy;

function installTransferHandlers(): void {
  const { canHandle } = transferHandlers.get('throw')!;
  // Comlink's own handler of what a method throws knows no codes and no causes.
  transferHandlers.set('throw', {
    canHandle,
    serialize: (thrown) => [packError((thrown as { value: unknown }).value), []],
    deserialize: (packed) => {
      throw unpackError(packed as WireError);
    },
  });
  // Messages with pixels or results in them move those instead of copying them: what is sent is the sender's no more.
  transferHandlers.set('move', {
    canHandle: (value): value is unknown => transferables(value).length > 0,
    serialize: (value) => [value, transferables(value)],
    deserialize: (value) => value,
  });
}

const TRANSFERABLE = [ArrayBuffer, globalThis.ImageBitmap].filter((type) => type !== undefined);

function transferables(value: unknown, found = new Set<Transferable>()): Transferable[] {
  if (ArrayBuffer.isView(value)) transferables(value.buffer, found);
  else if (globalThis.ImageData && value instanceof ImageData) transferables(value.data, found);
  else if (TRANSFERABLE.some((type) => value instanceof type)) found.add(value as Transferable);
  else if (Array.isArray(value) || isPlainObject(value)) {
    for (const item of Object.values(value)) transferables(item, found);
  }
  return [...found];
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
