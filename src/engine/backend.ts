/**
 * What the engine asks of whatever computes: a GPU, or the processor.
 */
import type { Picture } from '../image/decode.ts';
import type { TensorPiece } from '../weights/tensors.ts';
import type { AdapterInfo, BackendName, Memory, OutputName, Outputs } from '../worker/wire.ts';

/** What the network is to see: normalised pixels `[batch, C, H, W]`, or pictures. */
export type Input = { batch: number } & ({ pixels: Float32Array<ArrayBuffer> } | { usePicture: UsePicture });

/** Decodes the picture at `index` of the batch for the time of `use`: no two of them are held at once. */
export type UsePicture = (index: number, use: (picture: Picture) => void) => Promise<void>;

export interface Backend {
  readonly name: BackendName;
  readonly adapter: AdapterInfo | null;
  /** Images that one `run` takes at most. */
  readonly maxBatch: number;
  /** Takes a piece of a tensor of the model. Every tensor is given once, before `ready`. */
  addPiece(piece: TensorPiece): void;
  /** Resolves when everything is compiled and has run once. */
  ready(): Promise<void>;
  /** @returns the outputs, one row per image */
  run(input: Input, outputs: OutputName[]): Promise<Outputs>;
  memory(): Memory;
  destroy(): void;
}
