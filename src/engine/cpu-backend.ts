/**
 * The network on the processor: the CPU reference, with the weights kept as they came.
 */
import type { Plan } from '../model/plan.ts';
import { runReference } from '../reference/run.ts';
import type { Memory, OutputName, Outputs } from '../worker/wire.ts';
import type { Backend } from './backend.ts';

export class CpuBackend implements Backend {
  readonly name = 'cpu';
  readonly adapter = null;
  /** Nothing is gained by batches: one image at a time keeps memory small. */
  readonly maxBatch = 1;
  readonly #plan: Plan;
  readonly #tensors = new Map<string, Float32Array>();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  setTensor(name: string, data: Float32Array<ArrayBuffer>): void {
    this.#tensors.set(name, data.slice());
  }

  async ready(): Promise<void> {}

  async run(pixels: Float32Array<ArrayBuffer>, batch: number, outputs: OutputName[]): Promise<Outputs> {
    const values = runReference(this.#plan, (name) => this.#tensors.get(name)!, pixels, batch);
    const result: Outputs = {};
    for (const output of outputs) {
      result[output] = { data: Float32Array.from(values[output]), shape: [batch, this.#plan.values[output].columns] };
    }
    return result;
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
