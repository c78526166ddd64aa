/**
 * The model on the processor: the CPU reference, with the weights kept as they came.
 */

import type { Backend, Input, UsePicture, Wanted } from '../backend.ts';
import { ViTError } from '../error.ts';
import { resizeToSpec } from '../image/model-pixels.ts';
import { normalize, normalizeTable } from '../image/normalize.ts';
import { pictureSource } from '../image/read-pixels.ts';
import type { Memory, Outputs } from '../interface.ts';
import { extrasFor } from '../model/outputs.ts';
import { type Plan, planViT } from '../model/plan.ts';
import { planText } from '../model/plan-text.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { type ReferenceValues, readOutput, referenceSteps } from '../reference/run.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import { takeTurns } from './take-turns.ts';

export class CpuBackend implements Backend {
  readonly name = 'cpu';
  readonly adapter = null;
  readonly storage = 'f32';
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

  /** Nothing is gained by batches: one at a time keeps memory small. */
  maxBatch(): number {
    return 1;
  }

  async run(input: Input, wanted: Wanted): Promise<Outputs> {
    const { batch } = input;
    const inputs = 'usePicture' in input ? { pixels: await this.#pixelsOf(batch, input.usePicture) } : input;
    const plan = this.#planFor(input, wanted);
    const values: ReferenceValues = {};
    await takeTurns(referenceSteps(plan, (name) => this.#tensor(name), inputs, batch, values));
    const outputs: Outputs = {};
    for (const name of wanted.outputs) outputs[name] = readOutput(plan, name, values, batch);
    return outputs;
  }

  async isLost(): Promise<boolean> {
    return false;
  }

  memory(): Memory {
    let cpu = 0;
    for (const tensor of this.#tensors.values()) cpu += tensor.byteLength;
    return { gpu: 0, cpu };
  }

  destroy(): void {
    this.#tensors.clear();
  }

  #tensor(name: string): Float32Array {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new ViTError('disposed', 'The model was disposed; load it again.');
    return tensor;
  }

  #planFor(input: Input, { outputs, blocks }: Wanted): Plan {
    const { architecture } = this.#plan;
    if ('ids' in input) return planText(architecture, architecture.text!);
    return planViT(architecture, extrasFor(outputs, architecture.depth, blocks));
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
}
