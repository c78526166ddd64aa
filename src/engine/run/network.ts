/**
 * One plan on the GPU: its pipelines, and its buffers for the largest batch so far. Several networks share weights and
 * pipelines; each runs in one compute pass, but for the copies that keep what is asked for.
 */
import { ViTError } from '../../error.ts';
import { Buffers } from '../../gpu/buffers.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Pipelines } from '../../gpu/pipelines.ts';
import type { Outputs } from '../../interface.ts';
import type { OutputName } from '../../model/outputs.ts';
import type { Plan } from '../../model/plan.ts';
import { BASELINE } from '../choose/kernel-config.ts';
import { Activations, maxItems } from './activations.ts';
import type { ProgramConfig } from './program.ts';
import { Schedule } from './schedule.ts';
import type { WeightBuffers } from './weight-buffers.ts';

/** Beyond it a batch gains nothing: every kernel has enough rows to fill a large GPU. */
const MAX_BATCH = 32;

/** One image and several want different splits of the same work. */
export const BATCH_CLASSES = ['one', 'many'] as const;
export type BatchClass = (typeof BATCH_CLASSES)[number];

export function classOf(batch: number): BatchClass {
  return batch === 1 ? 'one' : 'many';
}

/** Images or texts that one run takes at most, before anything is made for it. */
export function maxBatch(plan: Plan, limits: GPUSupportedLimits): number {
  const largest = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  return Math.max(1, Math.min(MAX_BATCH, maxItems(plan, largest)));
}

export class Network {
  readonly plan: Plan;
  /** Images or texts that one run takes at most. */
  readonly maxBatch: number;
  readonly #gpu: Gpu;
  readonly #weights: WeightBuffers;
  readonly #schedules: Record<BatchClass, Schedule>;
  #activations: Activations | null = null;

  constructor(
    gpu: Gpu,
    plan: Plan,
    pipelines: Pipelines,
    weights: WeightBuffers,
    config: Record<BatchClass, ProgramConfig> = { one: BASELINE, many: BASELINE },
  ) {
    this.#gpu = gpu;
    this.plan = plan;
    this.#weights = weights;
    const one = new Schedule(plan, config.one, pipelines);
    const many = config.many === config.one ? one : new Schedule(plan, config.many, pipelines);
    this.#schedules = { one, many };
    this.maxBatch = maxBatch(plan, gpu.device.limits);
  }

  async ready(): Promise<void> {
    await Promise.all(Object.values(this.#schedules).map((schedule) => schedule.ready()));
  }

  /** What a batch of this class is computed with. */
  schedule(batchClass: BatchClass): Schedule {
    return this.#schedules[batchClass];
  }

  /** From the next run on. @param schedule of the same plan and storage, and ready */
  use(schedule: Schedule, batchClass: BatchClass): void {
    this.#schedules[batchClass] = schedule;
  }

  /** All that it may run. */
  get schedules(): Schedule[] {
    return [...new Set(Object.values(this.#schedules))];
  }

  /** Bytes of buffers that depend on the batch. */
  get bytes(): number {
    return this.#activations?.bytes ?? 0;
  }

  /** Those of the last run, if there was one. */
  get activations(): Activations | null {
    return this.#activations;
  }

  /** @throws ViTError `out-of-memory`; nothing stays allocated, and a smaller batch may still fit */
  async activationsFor(batch: number): Promise<Activations> {
    if (this.#activations && this.#activations.capacity >= batch) return this.#activations;
    // The old ones go first: both together may not fit.
    this.#activations?.destroy();
    this.#activations = null;
    const { device } = this.#gpu;
    const buffers = new Buffers(device);
    try {
      this.#activations = await this.#gpu.checked(`a batch of ${batch}`, () => {
        return new Activations(device, this.plan, this.#schedules.one.program, this.#weights, buffers, batch);
      });
    } catch (error) {
      buffers.destroy();
      throw error;
    }
    return this.#activations;
  }

  /** Records everything between the inputs and the values that `outputs` are read from. */
  record(encoder: GPUCommandEncoder, activations: Activations, batch: number, outputs: readonly OutputName[]): void {
    let pass: GPUComputePassEncoder | null = null;
    const schedule = this.#schedules[classOf(batch)];
    const bindGroups = activations.bindGroupsFor(schedule);
    for (const [index, action] of schedule.program.actions.entries()) {
      if ('kernel' in action) {
        pass ??= encoder.beginComputePass({ label: 'network' });
        pass.setPipeline(schedule.pipelines[index]!);
        pass.setBindGroup(0, bindGroups[index]);
        pass.dispatchWorkgroups(...action.kernel.grid(batch * action.rowsPerItem));
      } else {
        pass?.end();
        pass = null;
        const from = activations.values[action.from];
        encoder.copyBufferToBuffer(from, 0, activations.values[action.to], 0, from.size);
      }
    }
    pass?.end();
    const values = outputs.flatMap((name) => this.plan.outputs[name]!.values);
    activations.recordReadback(encoder, [...new Set(values)]);
  }

  /** Once what was recorded is submitted. */
  read(activations: Activations, batch: number, outputs: readonly OutputName[]): Promise<Outputs> {
    return this.mapped(activations, () => {
      const result: Outputs = {};
      for (const name of outputs) {
        const { values, shape } = this.plan.outputs[name]!;
        result[name] = activations.read(values, batch, shape);
      }
      return result;
    });
  }

  /** What `work` returns, which may look at what can be read. */
  async mapped<T>(activations: Activations, work: () => T): Promise<T> {
    const { readback } = activations;
    try {
      await readback.mapAsync(GPUMapMode.READ);
    } catch (cause) {
      this.#gpu.throwIfFailed();
      throw new ViTError('device-lost', 'The GPU stopped before the result was there.', {
        cause,
      });
    }
    try {
      this.#gpu.throwIfFailed();
      return work();
    } finally {
      readback.unmap();
    }
  }

  destroy(): void {
    this.#activations?.destroy();
    this.#activations = null;
  }
}
