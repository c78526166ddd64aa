/**
 * What the engine asks of whatever computes: a GPU, or the processor.
 */
import type { AdapterInfo, BackendName, Memory, OutputName, Outputs } from '../worker/wire.ts';

export interface Backend {
  readonly name: BackendName;
  readonly adapter: AdapterInfo | null;
  /** Images that one `run` takes at most. */
  readonly maxBatch: number;
  /** Takes a tensor of the model; `data` is only valid during the call. Each is given once, before `ready`. */
  setTensor(name: string, data: Float32Array<ArrayBuffer>): void;
  /** Resolves when everything is compiled and has run once. */
  ready(): Promise<void>;
  /**
   * @param pixels `[batch, C, H, W]`, normalised
   * @returns the outputs, one row per image
   */
  run(pixels: Float32Array<ArrayBuffer>, batch: number, outputs: OutputName[]): Promise<Outputs>;
  memory(): Memory;
  destroy(): void;
}
