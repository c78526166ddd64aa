/**
 * Everything on the GPU whose size depends on the batch: the buffers of a plan's inputs and values, the bind groups of
 * its dispatches, and the buffer results are read from. Made for a number of items, images or texts, and used for any
 * number up to it.
 */
import type { Buffers } from '../../gpu/buffers.ts';
import { roundUp } from '../../gpu/kernel.ts';
import type { Tensor } from '../../interface.ts';
import { ROW_TILE } from '../../kernels/matmul.ts';
import type { InputName, Plan, ValueName } from '../../model/plan.ts';
import { columnsOf, type Dispatch, type Program } from './program.ts';
import type { Schedule } from './schedule.ts';
import type { WeightBuffers } from './weight-buffers.ts';

export class Activations {
  /** Images or texts. */
  readonly capacity: number;
  readonly inputs: Partial<Record<InputName, GPUBuffer>> = {};
  readonly values: Record<ValueName, GPUBuffer> = {};
  readonly readback: GPUBuffer;
  readonly #device: GPUDevice;
  readonly #plan: Plan;
  readonly #columns: Program['columns'];
  readonly #weights: WeightBuffers;
  readonly #buffers: Buffers;
  readonly #bindGroups = new Map<Schedule, (GPUBindGroup | null)[]>();
  /** Bytes. */
  readonly #readbackOffsets: Record<ValueName, number> = {};

  /** @param program any one of the plan */
  constructor(
    device: GPUDevice,
    plan: Plan,
    program: Program,
    weights: WeightBuffers,
    buffers: Buffers,
    capacity: number,
  ) {
    this.capacity = capacity;
    this.#device = device;
    this.#plan = plan;
    this.#columns = program.columns;
    this.#weights = weights;
    this.#buffers = buffers;
    const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;

    for (const [name, perItem] of Object.entries(plan.inputs) as [InputName, number][]) {
      this.inputs[name] = buffers.create(name, capacity * perItem * 4, STORAGE | COPY_DST);
    }
    for (const name of Object.keys(plan.values)) {
      const size = valueBytes(plan, this.#columns, name, capacity);
      this.values[name] = buffers.create(name, size, STORAGE | COPY_SRC | COPY_DST);
    }
    let readbackBytes = 0;
    for (const name of outputValues(plan)) {
      this.#readbackOffsets[name] = readbackBytes;
      readbackBytes += this.values[name].size;
    }
    this.readback = buffers.create('readback', readbackBytes, MAP_READ | COPY_DST);
  }

  /** One per dispatch, in the order of the program's actions; null for a copy. Made once. */
  bindGroupsFor(schedule: Schedule): readonly (GPUBindGroup | null)[] {
    let groups = this.#bindGroups.get(schedule);
    if (!groups) {
      groups = schedule.program.actions.map((action, index) =>
        'kernel' in action ? this.#bindGroup(action, schedule.pipelines[index]!) : null,
      );
      this.#bindGroups.set(schedule, groups);
    }
    return groups;
  }

  #bindGroup({ label, operands }: Dispatch, pipeline: GPUComputePipeline): GPUBindGroup {
    const entries = operands.map((operand, binding) => {
      const buffer =
        'value' in operand
          ? this.values[operand.value]
          : 'input' in operand
            ? this.inputs[operand.input]!
            : this.#weights.get(operand);
      return { binding, resource: { buffer } };
    });
    return this.#device.createBindGroup({ label, layout: pipeline.getBindGroupLayout(0), entries });
  }

  get bytes(): number {
    return this.#buffers.bytes;
  }

  /** Records the copies of values to where they can be read. */
  recordReadback(encoder: GPUCommandEncoder, names: readonly ValueName[]): void {
    for (const name of names) {
      const value = this.values[name];
      encoder.copyBufferToBuffer(value, 0, this.readback, this.#readbackOffsets[name], value.size);
    }
  }

  /**
   * Of the mapped `readback`: values of each item one after the other, without padding.
   * @param shape of what one item has
   * @returns `[items, ...shape]`
   */
  read(names: readonly ValueName[], items: number, shape: readonly number[]): Tensor {
    const perItem = shape.reduce((a, b) => a * b, 1);
    const data = new Float32Array(items * perItem);
    let offset = 0;
    for (const name of names) {
      const { rows } = this.#plan.values[name];
      const columns = this.#columns[name];
      const { count, stride } = columns;
      const range = this.readback.getMappedRange(this.#readbackOffsets[name], this.values[name].size);
      const padded = new Float32Array(range);
      // Where groups are padded apart, columns have to be looked up.
      const dense = columns.at(count - 1) === count - 1;
      for (let item = 0; item < items; item++) {
        for (let row = 0; row < rows; row++) {
          const from = (item * rows + row) * stride;
          const to = item * perItem + offset + row * count;
          if (dense) data.set(padded.subarray(from, from + count), to);
          else for (let i = 0; i < count; i++) data[to + i] = padded[from + columns.at(i)];
        }
      }
      offset += rows * count;
    }
    return { data, shape: [items, ...shape] };
  }

  destroy(): void {
    this.#buffers.destroy();
  }
}

/** Items at once for which no buffer is larger than `maxBytes`. */
export function maxItems(plan: Plan, maxBytes: number): number {
  const columns = columnsOf(plan);
  const inputs = Object.values(plan.inputs).map((perItem) => perItem * 4);
  const values = Object.keys(plan.values).map((name) => valueBytes(plan, columns, name, 1));
  const readback = outputValues(plan).reduce((sum, name) => sum + valueBytes(plan, columns, name, 1), 0);
  return Math.floor(maxBytes / Math.max(readback, ...inputs, ...values));
}

function outputValues({ outputs }: Plan): ValueName[] {
  return [...new Set(Object.values(outputs).flatMap(({ values }) => values))];
}

/** Rows are padded to whole tiles of the matmul, so that no kernel has to guard its loads. */
function valueBytes({ values }: Plan, columns: Program['columns'], name: ValueName, items: number): number {
  return roundUp(items * values[name].rows, ROW_TILE) * columns[name].stride * 4;
}
