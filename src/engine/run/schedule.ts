/**
 * A program with its pipelines: what a compute pass is recorded from. They compile while the weights are fetched.
 */
import type { Pipelines } from '../../gpu/pipelines.ts';
import type { Plan } from '../../model/plan.ts';
import { compile, type Program, type ProgramConfig } from './program.ts';

export class Schedule {
  readonly config: ProgramConfig;
  readonly program: Program;
  readonly #compiling: Promise<(GPUComputePipeline | null)[]>;
  /** One per action, in order; null for a copy. Empty before `ready`. */
  pipelines: readonly (GPUComputePipeline | null)[] = [];

  constructor(plan: Plan, config: ProgramConfig, pipelines: Pipelines) {
    this.config = config;
    this.program = compile(plan, config);
    const { actions } = this.program;
    this.#compiling = Promise.all(actions.map((action) => ('kernel' in action ? pipelines.get(action.kernel) : null)));
    this.#compiling.catch(() => {}); // Thrown by ready().
  }

  /** @throws ViTError `shader` */
  async ready(): Promise<void> {
    this.pipelines = await this.#compiling;
  }
}
