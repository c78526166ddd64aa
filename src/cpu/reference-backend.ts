/**
 * The model in plain TypeScript, by the reference, with the weights kept as they came: where WebAssembly cannot be used.
 */
import type { Backend, Input, UsePicture, Wanted } from '../backend.ts';
import { ViTError } from '../error.ts';
import type { Memory, Outputs } from '../interface.ts';
import { type ReferenceValues, readOutput, referenceSteps } from '../reference/run.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import type { ModelOnCpu } from './model-on-cpu.ts';
import { takeTurns } from './take-turns.ts';

export class ReferenceBackend implements Backend {
  readonly name = 'cpu';
  readonly adapter = null;
  readonly storage = 'f32';
  readonly cpu = { simd: 'none', threads: 1 } as const;
  readonly #model: ModelOnCpu;
  readonly #tensors = new Map<string, Float32Array>();

  constructor(model: ModelOnCpu) {
    this.#model = model;
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
    const plan = this.#model.planOf(wanted);
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

  async #pixelsOf(batch: number, usePicture: UsePicture): Promise<Float32Array> {
    let pixels = new Float32Array(0);
    for (let index = 0; index < batch; index++) {
      await usePicture(index, (picture) => {
        const ofPicture = this.#model.pixelsOf(picture);
        if (index === 0) pixels = new Float32Array(batch * ofPicture.length);
        pixels.set(ofPicture, index * ofPicture.length);
      });
    }
    return pixels;
  }
}
