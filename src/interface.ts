/**
 * What page, client, worker and engine say to each other: types and names, no code. The engine's interface is the same
 * whether a worker lies between or not.
 */
import type { Conversion } from './convert/answers.ts';
import type { WireError } from './error.ts';
import type { Architecture } from './model/architecture.ts';
import type { OutputName } from './model/outputs.ts';
import type { Preprocess } from './model/preprocess.ts';
import type { Calibration, Manifest, Source, Words } from './weights/manifest.ts';

declare global {
  /** For compilers that do not know WebGPU (TypeScript before 6); to what others know it adds nothing. */
  interface GPUDevice {}
}

export type { Conversion } from './convert/answers.ts';
export type { OutputName } from './model/outputs.ts';

export type BackendName = 'webgpu' | 'cpu';

/** A model in memory: what the converter returns. `shards` are in the order of `manifest.shards`. */
export interface ModelFiles {
  manifest: Manifest;
  shards: Uint8Array<ArrayBuffer>[];
  /** The file of `manifest.words.tokenizer`, for words. */
  tokenizer?: Uint8Array<ArrayBuffer>;
}

export interface EngineOptions {
  /** `'auto'` takes the GPU or, where there is none, the CPU. Default `'auto'`. */
  backend?: 'auto' | BackendName;
  /**
   * How weights are kept on the GPU. `'f16'` takes half the memory, and f32 is taken where the GPU has no f16. Weights of f16
   * may be multiplied in f16, where that is faster; sums are f32. Default `'auto'`: f16 where the model's files are f16.
   */
  dtype?: 'auto' | 'f32' | 'f16';
  /** A hint to browsers on machines with two GPUs. */
  powerPreference?: 'low-power' | 'high-performance';
  /**
   * [height, width] in pixels, multiples of the model's patch size: positions are resampled as the model's library does
   * it, and preprocessing ends in this size. Default: what the model was trained for.
   */
  imageSize?: [number, number];
  /** Keep the model for the next visit, where the browser allows it. Default true. */
  cache?: boolean;
  /**
   * Threads on the CPU, from 1 to 8: the engine's own and workers of its own beside it, each with a part of the weights. Whatever their
   * number, results are the same: to the last bit where threads share memory, elsewhere but for the order of sums. Default: by
   * `navigator.hardwareConcurrency`, at most 4, and 1 for a model so small that it would gain nothing. What there are says `info.cpu`:
   * one where workers cannot be had, after a `warning` if more were wanted.
   */
  threads?: number;
  /** What a checkpoint does not say of itself: answers to the `questions` of an `unsupported-model`, by their names. */
  convert?: Conversion;
  /** How the Hugging Face Hub is reached, for `hf:owner/name`. */
  hub?: HubAccess;
  /** A device to compute on, instead of asking for one. It cannot cross to a worker: only with `worker: false`. */
  device?: GPUDevice;
}

export interface HubAccess {
  /** URL of a mirror; nothing is asked of anyone else. Default: the Hub itself. */
  endpoint?: string;
  /** For private and gated repositories: it is sent to the endpoint alone. */
  token?: string;
  /** Used instead of `fetch`. It cannot cross to a worker: only with `worker: false`. */
  fetch?: typeof globalThis.fetch;
}

/** How far loading is. `loaded` and `total` are bytes of shards: of a model of two towers, of those that hold the tower. */
export interface Progress {
  /** Absent of the model itself; a text tower is loaded with the first text. */
  of?: 'texts';
  stage: 'manifest' | 'weights' | 'compile' | 'ready';
  loaded: number;
  total: number;
}

/**
 * What happens to a model besides its answers:
 * `warning` something is missing, slower or was replaced; answers are right all the same;
 * `device-lost` the GPU is gone, or a thread of the CPU's, and another one is being asked for; calls wait;
 * `recovered` calls are answered again, on a new device or thread;
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
  /** Where its checkpoint came from. */
  source: Source;
  /** With the defaults of what its manifest leaves out. */
  architecture: Required<Architecture>;
  /** How pictures become the model's pixels, at the image size it was loaded for. */
  preprocess: Preprocess;
  labels: string[];
  problemType: Manifest['problemType'];
  /** How reliable scores are; null if that was not measured. `classify` applies it, `forward` does not. */
  calibration: Calibration | null;
  /** How words become token ids; null for a model without a tokenizer. */
  words: Words | null;
  backend: BackendName;
  /** Of the weights where they are computed with; the arithmetic is f32. */
  dtype: 'f32' | 'f16';
  adapter: AdapterInfo | null;
  /** Null on a GPU. */
  cpu: CpuInfo | null;
  parameters: number;
  /** Of all shards. */
  bytes: number;
  /** Images that are computed at once, at most. */
  maxBatch: number;
  /** Why the CPU is used although a GPU was allowed; null otherwise. */
  fallbackReason: string | null;
}

/** How the CPU computes. */
export interface CpuInfo {
  /**
   * WebAssembly's vector instructions that are used: `relaxed` has a multiply-add in one of them; `none` is plain JavaScript, some
   * 20 times slower, where a browser or a Content Security Policy does not let WebAssembly run.
   */
  simd: 'relaxed' | 'plain' | 'none';
  threads: number;
}

export interface AdapterInfo {
  vendor: string;
  architecture: string;
  description: string;
  /** Whether it computes on the CPU, as SwiftShader does. */
  software: boolean;
}

/** Milliseconds that one call took in the engine, without the time it waited. */
export interface Timing {
  decode: number;
  preprocess: number;
  run: number;
}

/** A picture on its way to the engine: compressed, or as pixels. */
export type WireImage = Blob | ImageBitmap | RgbaImage;

/** Bytes `[height, width, 4]`: red, green, blue, alpha. What `ImageData` holds, where there is such a class. */
export interface RgbaImage {
  data: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
}

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

/** In words, or as token ids with those that begin and end it. */
export type Text = string | number[];

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
  /** Of the code that answers. */
  release(): Promise<string>;
  load(
    source: string | ModelFiles | Blob[],
    options: EngineOptions,
    notify: (message: Progress | EngineEvent) => void,
    /** URLs by file. Not by the names of `annexes/table.ts`: its types are the engine's own, and this file's are published. */
    annexes?: Readonly<Record<string, string>>,
  ): Promise<ModelInfo>;
  /** `images` to outputs, one row per image. */
  runImages(images: WireImage[], outputs: OutputName[]): Promise<ImageResults>;
  /** Normalised pixels `[B, C, H, W]` to outputs. */
  runPixels(pixels: Tensor, outputs: OutputName[]): Promise<{ outputs: Outputs; timing: Timing }>;
  /** Texts, in words or as token ids, to their embeddings, one row per text. @param truncate cuts words that are too many */
  runTexts(texts: Text[], truncate?: boolean): Promise<{ outputs: Outputs; timing: Timing }>;
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
