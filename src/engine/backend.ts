/**
 * What the engine asks of whatever computes: a GPU, or the processor.
 */
import type { Picture } from '../image/decode.ts';
import type { AdapterInfo, BackendName, Memory, OutputName, Outputs } from '../worker/wire.ts';

/** What the network is to see: normalised pixels `[batch, C, H, W]`, or decoded pictures. */
export type Input = { pixels: Float32Array<ArrayBuffer>; batch: number } | { pictures: Picture[] };

export interface Backend {
  readonly name: BackendName;
  readonly adapter: AdapterInfo | null;
  /** Images that one `run` takes at most. */
  readonly maxBatch: number;
  /** Takes a tensor of the model; `data` is only valid during the call. Each is given once, before `ready`. */
  setTensor(name: string, data: Float32Array<ArrayBuffer>): void;
  /** Resolves when everything is compiled and has run once. */
  ready(): Promise<void>;
  /** @returns the outputs, one row per image, and the milliseconds from pictures to pixels */
  run(input: Input, outputs: OutputName[]): Promise<{ outputs: Outputs; preprocess: number }>;
  memory(): Memory;
  destroy(): void;
}
