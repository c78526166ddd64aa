/**
 * What the engine asks of whatever computes: a GPU, or the CPU.
 */
import type { Picture } from './image/decode.ts';
import type { AdapterInfo, BackendName, CpuInfo, KernelCheck, Memory, Outputs, Profile } from './interface.ts';
import type { Wanted } from './model/outputs.ts';
import type { Texts } from './model/token-ids.ts';
import type { TensorPiece } from './weights/tensor-assembler.ts';

export type { Wanted } from './model/outputs.ts';

/**
 * What the network is to see: normalised pixels `[batch, C, H, W]`, pictures, or texts. `starts`, of images that have another size
 * than the model: what each token is before pixels are added, `[N, D]`, with the bias of the projection.
 */
export type Input = { batch: number } & InputData;
export type InputData =
  | { pixels: Float32Array<ArrayBuffer>; starts?: Float32Array<ArrayBuffer> }
  | { usePicture: UsePicture }
  | Texts;

/** Decodes the picture at `index` of the batch for the time of `use`: no two of them are held at once. */
export type UsePicture = (index: number, use: (picture: Picture) => void) => Promise<void>;

export interface Backend {
  readonly name: BackendName;
  readonly adapter: AdapterInfo | null;
  /** Absent on a GPU. */
  readonly cpu?: CpuInfo;
  /** Of weights. Everything is computed in f32. */
  readonly storage: 'f32' | 'f16';
  /** Takes a piece of a tensor of the model. Every tensor is given once, before `ready`. */
  addPiece(piece: TensorPiece): void;
  /** Resolves when everything is compiled. */
  ready(): Promise<void>;
  /** Images that one `run` takes at most, or texts. */
  maxBatch(wanted: Wanted): number;
  /** @returns the outputs, each `[batch, ...]` */
  run(input: Input, wanted: Wanted): Promise<Outputs>;
  /** Of its kernels, as far as it depends on files and browser: what `check` found of others does not hold for it. */
  readonly variant?: string;
  /** Each kernel once, alone, against the CPU reference. Absent where no driver or hardware can get one wrong. */
  check?(): Promise<KernelCheck[]>;
  /** Tries what may be faster for a batch of this size, and keeps it if it is right. Absent where there is one way only. */
  tune?(batch: number): Promise<unknown>;
  /** Milliseconds per step of a run of one image, which there must have been. Absent where there is no GPU to measure. */
  profile?(): Promise<Omit<Profile, 'timing'>>;
  /** Whether it failed with `error` because it is gone: only another one can help. */
  isLost(error: unknown): Promise<boolean>;
  memory(): Memory;
  destroy(): void;
}
