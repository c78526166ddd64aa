/**
 * The network on the processor: the CPU reference, with the weights kept as they came.
 */
import type { Picture } from '../image/decode.ts';
import { pictureSource } from '../image/read-pixels.ts';
import type { Plan } from '../model/plan.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { normalize, normalizeTable } from '../reference/normalize.ts';
import { resizeToSpec } from '../reference/preprocess.ts';
import { runReference } from '../reference/run.ts';
import type { Memory, OutputName, Outputs } from '../worker/wire.ts';
import type { Backend, Input } from './backend.ts';

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

  setTensor(name: string, data: Float32Array<ArrayBuffer>): void {
    this.#tensors.set(name, data.slice());
  }

  async ready(): Promise<void> {}

  async run(input: Input, outputs: OutputName[]): Promise<{ outputs: Outputs; preprocess: number }> {
    const start = performance.now();
    const { pixels, batch } = 'pixels' in input ? input : this.#pixelsOf(input.pictures);
    const preprocess = performance.now() - start;
    const values = runReference(this.#plan, (name) => this.#tensors.get(name)!, pixels, batch);
    const result: Outputs = {};
    for (const output of outputs) {
      result[output] = { data: Float32Array.from(values[output]), shape: [batch, this.#plan.values[output].columns] };
    }
    return { outputs: result, preprocess };
  }

  #pixelsOf(pictures: Picture[]) {
    const { channels } = this.#plan.architecture;
    const planes = pictures.map((picture) => {
      const { data } = resizeToSpec(pictureSource(picture, this.#spec.background), this.#spec);
      return normalize(data, this.#table, channels);
    });
    const pixels = new Float32Array(planes.length * planes[0].length);
    for (const [i, plane] of planes.entries()) pixels.set(plane, i * plane.length);
    return { pixels, batch: pictures.length };
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
