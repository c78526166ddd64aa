/**
 * What is measured: a system that loads a model and runs batches of it, wherever it lives. Each lives in a process of its
 * own (a Chrome, or a Node), so that memory, caches and crashes are its own, too.
 */
import type { PreparedModel } from './models.ts';

export interface Contender {
  /** `vit-webgpu`, `onnxruntime-web WebGPU` */
  name: string;
  /** Computes on the adapter whose peaks are measured: its time can be compared with the floor. */
  onAdapter: boolean;
  /** Loads a model and runs it once, with one image. @throws when the system cannot */
  open(model: PreparedModel): Promise<Opened>;
}

export interface Opened {
  first: FirstResult;
  /** Runs a batch of `images` once. @returns milliseconds, from pixels in an array to logits in an array */
  run(images: number): Promise<number>;
  /** Which kernels it chose for this adapter, and what weights are kept as; undefined where a system does not report it. */
  kernels(): Promise<string | undefined>;
  /** Bytes at most so far, beyond what an empty process of this kind holds; null where that cannot be measured. */
  peakMemory(): Promise<number | null>;
  close(): Promise<void>;
}

export interface FirstResult {
  /** Milliseconds by stage, from nothing to the first logits; the last stage is the first run. */
  stages: Record<string, number>;
  /** Of the first image: systems that compute something else are not compared. */
  logits: number[];
  /** Bytes of code (script, WebAssembly, shaders) as a server would send them, gzip; null where nothing is sent. */
  scriptBytes: number | null;
  weightBytes: number;
  /** What the system says of itself: threads, adapter. */
  remark: string;
}
