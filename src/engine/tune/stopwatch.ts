/**
 * How long one dispatch of a program takes on this GPU, by wall clock: timestamps are too coarse in browsers, and not
 * everywhere. The values it overwrites are computed anew in every run.
 */
import type { Gpu } from '../../gpu/device.ts';
import type { Network } from '../run/network.ts';
import type { Dispatch } from '../run/program.ts';
import type { Schedule } from '../run/schedule.ts';

/** Milliseconds that repetitions take together at least, beyond what a submit of nothing takes. */
const LONG_ENOUGH = 2;
const ROUNDS = 3;
const MAX_REPETITIONS = 4096;

export class Stopwatch {
  readonly #gpu: Gpu;
  readonly #network: Network;
  readonly #batch: number;
  /** Milliseconds until a submit of nothing is reported done: on some systems more than most dispatches take. */
  #latency: number | null = null;
  /** Milliseconds that measuring took so far. */
  spent = 0;

  /** @param network that has run a batch as large */
  constructor(gpu: Gpu, network: Network, batch: number) {
    this.#gpu = gpu;
    this.#network = network;
    this.#batch = batch;
  }

  /**
   * @param limit milliseconds in all, roughly: what takes longer is measured once
   * @returns milliseconds of one dispatch, the shortest of some rounds: whatever else runs only adds
   */
  async measure(schedule: Schedule, index: number, limit: number): Promise<number> {
    const before = this.spent;
    this.#latency ??= Math.min(await this.#run(schedule, index, 0), await this.#run(schedule, index, 0));
    let shortest = Infinity;
    let elapsed: number;
    let repetitions = 1;
    let rounds = 0;
    do {
      elapsed = await this.#run(schedule, index, repetitions);
      // Nothing cannot take longer than something: then the measured latency was of a busy moment.
      this.#latency = Math.min(this.#latency, elapsed);
      const time = elapsed - this.#latency;
      if (time < LONG_ENOUGH && repetitions < MAX_REPETITIONS) {
        repetitions *= time < LONG_ENOUGH / 8 ? 8 : 2;
      } else {
        shortest = Math.min(shortest, time / repetitions);
        rounds++;
      }
    } while (!rounds || (rounds < ROUNDS && this.spent - before + elapsed < limit));
    return shortest;
  }

  async #run(schedule: Schedule, index: number, repetitions: number): Promise<number> {
    this.#gpu.throwIfFailed();
    const { activations } = this.#network;
    if (!activations || activations.capacity < this.#batch) throw new Error('The buffers to measure with are gone.');
    const { queue } = this.#gpu.device;
    const { kernel, rowsPerItem } = schedule.program.actions[index] as Dispatch;
    const encoder = this.#gpu.device.createCommandEncoder({ label: 'stopwatch' });
    const pass = encoder.beginComputePass({ label: kernel.name });
    pass.setPipeline(schedule.pipelines[index]!);
    pass.setBindGroup(0, activations.bindGroupsFor(schedule)[index]);
    const grid = kernel.grid(this.#batch * rowsPerItem);
    for (let i = 0; i < repetitions; i++) pass.dispatchWorkgroups(...grid);
    pass.end();
    const start = performance.now();
    queue.submit([encoder.finish()]);
    await queue.onSubmittedWorkDone();
    const elapsed = performance.now() - start;
    this.spent += elapsed;
    return elapsed;
  }
}
