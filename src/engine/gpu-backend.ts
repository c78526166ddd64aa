/**
 * The model on the GPU: the scheduler. Everything is made while loading; a run writes the pixels, records every
 * dispatch in one compute pass, submits once and reads back once, and creates nothing but its command encoder.
 *
 * What an ordinary run does not compute (tokens, attention maps) is another network with the same weights, made when it
 * is first asked for.
 */

import type { Input, Wanted } from '../backend.ts';
import { ViTError } from '../error.ts';
import { adapterInfo } from '../gpu/adapter.ts';
import { Buffers } from '../gpu/buffers.ts';
import type { Gpu } from '../gpu/device.ts';
import { type Kernel, kernelKey, roundUp, variantName } from '../gpu/kernel.ts';
import { Pipelines } from '../gpu/pipelines.ts';
import type { AdapterInfo, KernelCheck, Memory, Outputs, StepProfile } from '../interface.ts';
import type { WeightStorage } from '../kernels/matmul.ts';
import type { OptionalShaders } from '../kernels/optional-shaders.ts';
import { type FullArchitecture, tokenCount } from '../model/architecture.ts';
import { type Extras, extrasFor } from '../model/outputs.ts';
import { type Plan, planViT } from '../model/plan.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { parameterCount } from '../model/tensors.ts';
import type { Manifest } from '../weights/manifest.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import type { Alone } from './check/error-alone.ts';
import type * as oracle from './check/oracle.ts';
import { type Provable, unlessMissing, wrongKernel } from './check/proof.ts';
import type { Tower } from './check/tower.ts';
import { choose } from './choose/choose.ts';
import { BASELINE, type DisabledVariants, type Tilings, type WeightsOfFewBits } from './choose/kernel-config.ts';
import { PreprocessGpu } from './pixels/preprocess-gpu.ts';
import type { Activations } from './run/activations.ts';
import { BATCH_CLASSES, type BatchClass, classOf, maxBatch, Network } from './run/network.ts';
import { compile, dispatchesOf, type FamilySteps, needsFamilySteps, type ProgramConfig } from './run/program.ts';
import { Schedule } from './run/schedule.ts';
import type { SeparateAttention } from './run/separate-attention.ts';
import { WeightBuffers } from './run/weight-buffers.ts';
import type * as tuning from './tune/tune.ts';

/** What stays in 8 or 4 bits of a model with such tensors. */
export interface FewBitsAnnex {
  weightsOf(tensors: Manifest['tensors']): WeightsOfFewBits;
}

/** What not every page needs: shaders of variants, and attention in several kernels. */
export interface KernelAnnex {
  shaders: OptionalShaders;
  separate: SeparateAttention;
}

/** How the work is to be done, where it can be done in several ways. */
export interface GpuBackendOptions {
  /** Of weights. Default `'f32'`. */
  storage?: WeightStorage;
  /** Which network it is. Default that of images. */
  tower?: Pick<Tower, 'planWith' | 'steps'>;
  /** What the ordinary run needs of an annex. Default nothing. */
  families?: FamilySteps;
  /** Where they are had when another run needs them. Default nowhere. @throws ViTError `network` */
  needFamilies?(): Promise<FamilySteps>;
  /** What stays in few bits. Default nothing. */
  few?: WeightsOfFewBits;
  /** Default none. */
  disabled?: DisabledVariants;
  /** What tuning found before. */
  tuned?: Partial<Record<BatchClass, Tilings>>;
  /** Called with what tuning finds now. */
  onTuned?(batchClass: BatchClass, found: Tilings): void;
  /** What kernels are compared with, when they are. Default nothing: then no kernel can be checked. */
  needOracle?(): Promise<typeof oracle>;
  /** What is at hand already: `tuned` and what is known of software adapters need it. Default nothing. */
  annex?: KernelAnnex | null;
  /** Where the annex is had when it is first needed. Default nowhere. @throws ViTError `network` */
  needAnnex?(): Promise<KernelAnnex>;
  /** Where tuning and profile are had when they are first needed. Default nowhere. @throws ViTError `network` */
  needTuning?(): Promise<typeof tuning>;
}

export class GpuBackend implements Provable {
  readonly name = 'webgpu';
  readonly #gpu: Gpu;
  readonly #plan: Plan;
  readonly #spec: Preprocess;
  readonly #weightBuffers: Buffers;
  readonly #weights: WeightBuffers;
  readonly #pipelines: Pipelines;
  /** Keys of the kernels that gave right results. */
  readonly #right = new Set<string>();
  /** The ordinary run. */
  readonly #network: Network;
  /** The last one that was asked for more, and what that was. */
  #extra: { key: string; network: Network; isRight: boolean } | null = null;
  /** Null for a network that takes no pictures. */
  readonly #makingPreprocess: Promise<PreprocessGpu> | null;
  #preprocess: PreprocessGpu | null = null;
  readonly #options: GpuBackendOptions;
  readonly #disabled: DisabledVariants;
  readonly #configs: Record<BatchClass, ProgramConfig>;
  /** Batches that need no tuning any more, or for which it is under way. */
  readonly #tuned = new Set<BatchClass>();
  #running = 0;
  #isWarm = false;

  /**
   * @throws ViTError `out-of-memory`, or `numeric` where the fused attention is disabled and nothing can take its place; nothing
   *   stays allocated
   */
  static async create(gpu: Gpu, plan: Plan, spec: Preprocess, options: GpuBackendOptions = {}): Promise<GpuBackend> {
    const buffers = new Buffers(gpu.device);
    let backend: GpuBackend | undefined;
    try {
      const annex = options.disabled?.has(FUSED) ? await insteadOfFused(options) : options.annex;
      const megabytes = Math.ceil((parameterCount(plan.architecture) * 4) / 1e6);
      await gpu.checked(`the weights of the model (${megabytes} MB)`, () => {
        backend = new GpuBackend(gpu, plan, spec, buffers, { ...options, annex });
      });
      return backend!;
    } catch (error) {
      backend?.destroy();
      buffers.destroy();
      gpu.destroy();
      throw error;
    }
  }

  /** What of this library decides the numbers: changes whenever a shader of the ordinary run does. */
  static codeFor(gpu: Gpu, plan: Plan, options: GpuBackendOptions): string {
    const { storage = 'f32', annex, few, families, tower } = options;
    const chosen = configFor(gpu, plan, { storage, annex, few, families, tower });
    const { steps, products } = chosen;
    const plans = [plan, ...(products ? [planWith(plan, options, SEPARATE)] : [])];
    const configs = [{ ...BASELINE, few, steps }, chosen];
    const code = plans.flatMap((plan) =>
      configs.flatMap((config) =>
        dispatchesOf(compile(plan, { ...config, storage })).map(({ kernel }) => kernelKey(kernel)),
      ),
    );
    return [...new Set(code)].join('\n');
  }

  private constructor(gpu: Gpu, plan: Plan, spec: Preprocess, weightBuffers: Buffers, options: GpuBackendOptions) {
    const { device } = gpu;
    const { architecture } = plan;
    this.#gpu = gpu;
    this.#plan = plan;
    this.#spec = spec;
    this.#options = options;
    this.#disabled = options.disabled ?? new Set();
    this.#configs = { one: this.#configFor('one'), many: this.#configFor('many') };
    const { pixels } = plan.inputs;
    // One try takes a software adapter a large part of the budget, and what is fast on it is known.
    for (const batchClass of BATCH_CLASSES) {
      if (this.adapter.software || options.tuned?.[batchClass] || !pixels) this.#tuned.add(batchClass);
    }
    this.#weightBuffers = weightBuffers;
    this.#weights = new WeightBuffers(device, weightBuffers);
    this.#pipelines = new Pipelines(device);
    this.#network = this.#networkOf(planWith(plan, options, this.#extras()));
    for (const { program } of this.#network.schedules) this.#weights.create(program);
    const resizeOn = this.adapter.software ? 'cpu' : 'gpu';
    this.#makingPreprocess = pixels
      ? PreprocessGpu.create(device, this.#pipelines, { spec, architecture, resizeOn })
      : null;
    this.#makingPreprocess?.catch(() => {}); // Thrown by ready().
  }

  /** Of weights. */
  get storage(): WeightStorage {
    return this.#configs.one.storage;
  }

  get adapter(): AdapterInfo {
    return adapterInfo(this.#gpu.info);
  }

  addPiece(piece: TensorPiece): void {
    this.#gpu.throwIfFailed();
    this.#weights.add(piece);
  }

  async ready(): Promise<void> {
    this.#weights.finish();
    [this.#preprocess] = await Promise.all([this.#makingPreprocess, this.#network.ready()]);
  }

  /**
   * Once through everything, unless something ran already: the first use of a pipeline can be slow, and the caller's first
   * picture is not to pay, nor to wait for this.
   */
  async warmUp(): Promise<void> {
    if (this.#isWarm || !this.#preprocess) return;
    const onePixel = { data: new Uint8ClampedArray(4), width: 1, height: 1 };
    await this.run({ batch: 1, usePicture: async (_, use) => use(onePixel) }, { outputs: [] });
    await this.#gpu.device.queue.onSubmittedWorkDone();
  }

  maxBatch(wanted: Wanted): number {
    const { key, plan } = this.#planFor(wanted);
    if (!plan) return this.#network.maxBatch;
    if (this.#extra?.key === key) return this.#extra.network.maxBatch;
    return maxBatch(plan, this.#gpu.device.limits);
  }

  async run(input: Input, wanted: Wanted): Promise<Outputs> {
    this.#running++;
    try {
      return await this.#run(input, wanted);
    } finally {
      this.#running--;
    }
  }

  async #run(input: Input, wanted: Wanted): Promise<Outputs> {
    this.#gpu.throwIfFailed();
    const { batch } = input;
    const network = await this.#networkFor(wanted);
    await network.ready();
    if (network === this.#extra?.network) await this.#checkExtra(this.#extra);
    const activations = await network.activationsFor(batch);
    const encoder = await this.#upload(input, activations);
    const { queue } = this.#gpu.alive;
    network.record(encoder, activations, batch, wanted.outputs);
    this.#isWarm = true;
    queue.submit([encoder.finish()]);
    const outputs = await network.read(activations, batch, wanted.outputs);
    if (network === this.#network && wanted.outputs.length > 0) this.#tuneOnce(batch);
    return outputs;
  }

  /** After the first answer to a batch of this class: nobody waits for it. */
  async #tuneOnce(batch: number): Promise<void> {
    const batchClass = classOf(batch);
    if (this.#tuned.has(batchClass)) return;
    this.#tuned.add(batchClass);
    try {
      const { matmul, attention } = await this.tune(batch);
      this.#options.onTuned?.(batchClass, { matmul, attention });
    } catch {
      // The GPU, its memory or the annex is not to be had: what was chosen before stays.
    }
  }

  /** Of the ordinary run of one image, which there must have been. */
  async profile(): Promise<{ peak: number; steps: StepProfile[] }> {
    const { profile } = await this.#needTuning();
    await this.#network.activationsFor(1);
    return profile(this.#gpu, this.#network);
  }

  /** Looks for what is faster on this GPU, and takes it if it is right. @returns what is used from now on */
  async tune(batch: number): Promise<ProgramConfig> {
    const { tune } = await this.#needTuning();
    const { shaders } = await annexOf(this.#options);
    const network = this.#network;
    const { plan } = network;
    return tune({
      gpu: this.#gpu,
      network,
      batch,
      batchClass: classOf(batch),
      disabled: this.#disabled,
      shaders,
      scheduleWith: (config) => new Schedule(plan, config, this.#pipelines),
      check: (schedule) => this.#checkKernels({ plan, schedules: [schedule] }),
      running: () => this.#running,
    });
  }

  #needTuning(): Promise<typeof tuning> {
    return (this.#options.needTuning ?? nowhere)();
  }

  #configFor(batchClass: BatchClass): ProgramConfig {
    const { tuned = {}, ...options } = this.#options;
    const config = configFor(this.#gpu, this.#plan, { ...options, tuned: { one: tuned[batchClass] } });
    // What was kept may be of another version, or damaged.
    return canCompile(this.#plan, config) ? config : configFor(this.#gpu, this.#plan, options);
  }

  /** What an ordinary run is computed with, by name. */
  get kernels(): string[] {
    return [...new Set(this.#kernels.map(({ name }) => name))];
  }

  /** Kernels that are computed with in this variant, by `variantName`. */
  variantsOf(variant: string): string[] {
    const kernels = this.#kernels.filter((kernel) => kernel.variant === variant);
    return [...new Set(kernels.map(({ name }) => variantName({ kernel: name, variant })!))];
  }

  get #kernels(): Kernel[] {
    const programs = this.#network.schedules.map(({ program }) => program);
    return programs.flatMap((program) => dispatchesOf(program).map(({ kernel }) => kernel));
  }

  get resizesOnGpu(): boolean {
    return this.#preprocess?.resizesOnGpu ?? false;
  }

  /** From now on pictures are resized by the CPU. */
  async resizeOnCpu(): Promise<void> {
    this.#preprocess!.destroy();
    const { architecture } = this.#plan;
    const options = { spec: this.#spec, architecture, resizeOn: 'cpu' } as const;
    this.#preprocess = await PreprocessGpu.create(this.#gpu.device, this.#pipelines, options);
  }

  /** Every kernel of an ordinary run. */
  check(): Promise<KernelCheck[]> {
    this.#right.clear();
    return this.#checkKernels(this.#network);
  }

  /** Those that are not known to be right. @throws ViTError `network` where there is nothing to compare with */
  async #checkKernels({ plan, schedules }: Pick<Network, 'plan' | 'schedules'>): Promise<KernelCheck[]> {
    const { checkKernels } = await (this.#options.needOracle ?? nowhere)();
    const open = (alone: Plan, config: ProgramConfig) => this.#openAlone(alone, config);
    return checkKernels({ gpu: this.#gpu, plan, schedules, right: this.#right, open });
  }

  /** With weights of its own. */
  #openAlone(plan: Plan, config: ProgramConfig): Alone {
    const { device } = this.#gpu;
    const buffers = new Buffers(device);
    const weights = new WeightBuffers(device, buffers);
    const network = new Network(this.#gpu, plan, this.#pipelines, weights, { one: config, many: config });
    const destroy = () => {
      network.destroy();
      buffers.destroy();
    };
    return { network, weights, destroy };
  }

  isLost(error: unknown): Promise<boolean> {
    return this.#gpu.isLost(error);
  }

  memory(): Memory {
    const activations = this.#network.bytes + (this.#extra?.network.bytes ?? 0);
    return { gpu: this.#weightBuffers.bytes + activations + (this.#preprocess?.bytes ?? 0), cpu: 0 };
  }

  destroy(): void {
    for (const network of [this.#network, this.#extra?.network]) network?.destroy();
    // It may still be in the making.
    if (this.#preprocess) this.#preprocess.destroy();
    else
      this.#makingPreprocess?.then(
        (preprocess) => preprocess.destroy(),
        () => {},
      );
    this.#weightBuffers.destroy();
    this.#gpu.destroy();
  }

  #networkOf(plan: Plan, configs = this.#configs): Network {
    return new Network(this.#gpu, plan, this.#pipelines, this.#weights, configs);
  }

  async #networkFor(wanted: Wanted): Promise<Network> {
    const { key, plan } = this.#planFor(wanted);
    if (!plan) return this.#network;
    let { steps } = this.#configs.one;
    if (plan.steps.some(({ op }) => op === 'attention-scores')) {
      steps = { ...steps, ...(await annexOf(this.#options)).separate };
    }
    if (needsFamilySteps(plan)) steps = { ...steps, ...(await this.#options.needFamilies?.()) };
    const { one, many } = this.#configs;
    const configs = { one: { ...one, steps }, many: { ...many, steps } };
    if (this.#extra?.key !== key) {
      this.#extra?.network.destroy();
      this.#extra = { key, network: this.#networkOf(plan, configs), isRight: false };
    }
    return this.#extra.network;
  }

  /** `plan` is null where an ordinary run computes what is wanted. */
  #planFor(wanted: Wanted): { key: string; plan: Plan | null } {
    const { architecture } = this.#plan;
    const extras = extrasFor(wanted, architecture.depth);
    const key = JSON.stringify(extras);
    return { key, plan: key === '{}' ? null : planWith(this.#plan, this.#options, { ...extras, ...this.#extras() }) };
  }

  /** The first time: it has kernels that an ordinary run has not. @throws ViTError `numeric` */
  async #checkExtra(extra: { network: Network; isRight: boolean }): Promise<void> {
    if (extra.isRight) return;
    const checks = await unlessMissing(this.#checkKernels(extra.network));
    const wrong = checks?.find(({ passed }) => !passed);
    if (wrong) throw wrongKernel(wrong);
    extra.isRight = true;
  }

  /**
   * How plans go around what this GPU computes wrongly, or slowly: on software adapters loads cost more than memory, and
   * kernels that store the scores have an eighth of them.
   */
  #extras(): Extras {
    const { maxStorageBufferBindingSize } = this.#gpu.device.limits;
    const slow = this.#configs.one.products && scoreBytes(this.#plan.architecture) <= maxStorageBufferBindingSize;
    return slow || this.#disabled.has(FUSED) ? SEPARATE : {};
  }

  /** @returns the encoder in which the rest of the run is to be recorded */
  async #upload(input: Input, { inputs }: Activations): Promise<GPUCommandEncoder> {
    const device = this.#gpu.alive;
    const { batch } = input;
    let encoder = device.createCommandEncoder({ label: 'run' });
    if ('pixels' in input) {
      device.queue.writeBuffer(inputs.pixels!, 0, input.pixels);
      if (input.starts) device.queue.writeBuffer(inputs.starts!, 0, input.starts);
    } else if ('ids' in input) {
      const perText = input.ids.length / batch;
      device.queue.writeBuffer(inputs.ids!, 0, input.ids);
      // The kernel picks from the tokens of all texts.
      const rows = input.ends.map((end, text) => text * perText + end);
      device.queue.writeBuffer(inputs.ends!, 0, rows);
    } else {
      for (let index = 0; index < batch; index++) {
        if (index > 0) {
          // The next picture takes the scratch memory of the one before.
          this.#gpu.alive.queue.submit([encoder.finish()]);
          encoder = device.createCommandEncoder({ label: 'run' });
        }
        await input.usePicture(index, (picture) => {
          this.#gpu.throwIfFailed();
          this.#preprocess!.upload(picture, inputs.pixels!, index);
          this.#preprocess!.record(encoder);
        });
      }
    }
    return encoder;
  }
}

const SEPARATE: Extras = { separateAttention: true };
/** By `variantName`: what separate attention takes the place of. */
const FUSED = 'attention/fused';

/** @throws ViTError `numeric`: another backend may do */
function insteadOfFused(options: GpuBackendOptions): Promise<KernelAnnex> {
  return annexOf(options).catch((cause) => {
    const message = 'Kernel attention gives wrong results on this GPU, and no other can be loaded.';
    throw new ViTError('numeric', message, { cause });
  });
}

/** @throws ViTError `network` */
async function annexOf({ annex, needAnnex = nowhere }: GpuBackendOptions): Promise<KernelAnnex> {
  return annex ?? needAnnex();
}

function planWith({ architecture }: Plan, { tower }: GpuBackendOptions, extras: Extras): Plan {
  return tower?.planWith(extras) ?? planViT(architecture, extras);
}

/** Of one image, in one block. */
function scoreBytes(architecture: FullArchitecture): number {
  const tokens = tokenCount(architecture);
  return architecture.heads * tokens * roundUp(tokens, 4) * 4;
}

async function nowhere(): Promise<never> {
  throw new ViTError('network', 'There are no annexes here.');
}

function configFor(gpu: Gpu, plan: Plan, options: GpuBackendOptions): ProgramConfig {
  const { storage = 'f32', annex, few, families, tower, disabled = new Set(), tuned } = options;
  const config = choose({
    plans: [plan],
    storage,
    capabilities: gpu.capabilities,
    software: adapterInfo(gpu.info).software,
    shaders: annex?.shaders ?? {},
    few,
    disabled,
    tuned: tuned?.one,
  });
  return { ...config, steps: { ...families, ...tower?.steps, ...annex?.separate } };
}

function canCompile(plan: Plan, config: ProgramConfig): boolean {
  try {
    compile(plan, config);
    return true;
  } catch {
    return false;
  }
}
