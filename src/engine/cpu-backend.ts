/**
 * The network on the processor: the CPU reference, with the weights kept as they came.
 */
import { pictureSource } from '../image/read-pixels.ts';
import type { Plan } from '../model/plan.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { normalize, normalizeTable } from '../reference/normalize.ts';
import { resizeToSpec } from '../reference/preprocess.ts';
import { runReference } from '../reference/run.ts';
import type { TensorPiece } from '../weights/tensors.ts';
import type { Memory, OutputName, Outputs } from '../worker/wire.ts';
import type { Backend, Input, UsePicture } from './backend.ts';

export class CpuBackend implements Backend {
  readonly name = 'cpu';
  readonly adapter = null;
  /** Nothing is gained by batches: one image at a time keeps memory small. */
  readonly maxBatch = 1;
  readonly #plan: Plan;
  readonly #spec: Preprocess;
  readonly #table: Float32Array;
  readonly #tensors = new Map<string, Float32Array>();

  constructor(plan: Plan, spec: Preprocess) {
    this.#plan = plan;
    this.#spec = spec;
    this.#table = normalizeTable(spec, plan.architecture.channels);
  }

  addPiece({ name, length, first, data }: TensorPiece): void {
    const tensor = this.#tensors.get(name) ?? new Float32Array(length);
    this.#tensors.set(name, tensor);
    tensor.set(data, first);
  }

  async ready(): Promise<void> {}

  async run(input: Input, outputs: OutputName[]): Promise<Outputs> {
    const { batch } = input;
    const pixels = 'pixels' in input ? input.pixels : await this.#pixelsOf(batch, input.usePicture);
    const values = runReference(this.#plan, (name) => this.#tensors.get(name)!, pixels, batch);
    const result: Outputs = {};
    for (const output of outputs) {
      result[output] = { data: Float32Array.from(values[output]), shape: [batch, this.#plan.values[output].columns] };
    }
    return result;
  }

  async #pixelsOf(batch: number, usePicture: UsePicture): Promise<Float32Array<ArrayBuffer>> {
    const { channels, imageSize } = this.#plan.architecture;
    const size = channels * imageSize[0] * imageSize[1];
    const pixels = new Float32Array(batch * size);
    for (let index = 0; index < batch; index++) {
      await usePicture(index, (picture) => {
        const { data } = resizeToSpec(pictureSource(picture, this.#spec.background), this.#spec);
        pixels.set(normalize(data, this.#table, channels), index * size);
      });
    }
    return pixels;
  }

  memory(): Memory {
    let cpu = 0;
    for (const tensor of this.#tensors.values()) cpu += tensor.byteLength;
    return { gpu: 0, cpu };
  }

  destroy(): void {
    this.#tensors.clear();
  }
}
