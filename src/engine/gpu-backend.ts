/**
 * The model on the GPU: the scheduler. Everything is made while loading; a run writes the pixels, records every
 * dispatch in one compute pass, submits once and reads back once, and creates nothing but its command encoder.
 *
 * What an ordinary run does not compute (tokens, attention maps) is another network with the same weights, made when it
 * is first asked for. A text tower is a network of its own, compiled while loading; its buffers come with the first text.
 */
import { ViTError } from '../error.ts';
import { Buffers } from '../gpu/buffers.ts';
import type { Gpu } from '../gpu/device.ts';
import { type Kernel, kernelKey, variantName } from '../gpu/kernel.ts';
import { Pipelines } from '../gpu/pipelines.ts';
import { type Extras, extrasFor } from '../model/outputs.ts';
import { type Plan, planViT } from '../model/plan.ts';
import { planText } from '../model/plan-text.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { parameterCount } from '../model/tensors.ts';
import type { TensorPiece } from '../weights/tensors.ts';
import { type AdapterInfo, adapterInfo, type KernelCheck, type Memory, type Outputs } from '../worker/wire.ts';
import type { Activations } from './activations.ts';
import type { Backend, Input, Wanted } from './backend.ts';
import { KernelChecker } from './kernel-check.ts';
import { Network } from './network.ts';
import { PreprocessGpu } from './preprocess-gpu.ts';
import { compile, dispatchesOf } from './program.ts';
import { WeightBuffers } from './weight-buffers.ts';

export class GpuBackend implements Backend {
  readonly name = 'webgpu';
  readonly #gpu: Gpu;
  readonly #plan: Plan;
  readonly #spec: Preprocess;
  readonly #weightBuffers: Buffers;
  readonly #weights: WeightBuffers;
  readonly #pipelines: Pipelines;
  readonly #checker: KernelChecker;
  /** The ordinary run. */
  readonly #images: Network;
  readonly #texts: Network | null;
  /** The last one that was asked for more, and what that was. */
  #extra: { key: string; network: Network; isRight: boolean } | null = null;
  readonly #makingPreprocess: Promise<PreprocessGpu>;
  #preprocess: PreprocessGpu | null = null;
  readonly #without: ReadonlySet<string>;
  #isWarm = false;

  /**
   * @param without variants of kernels that are not to be used, by `variantName`
   * @throws ViTError `out-of-memory`; nothing stays allocated
   */
  static async create(
    gpu: Gpu,
    plan: Plan,
    spec: Preprocess,
    without: ReadonlySet<string> = new Set(),
  ): Promise<GpuBackend> {
    const buffers = new Buffers(gpu.device);
    let backend: GpuBackend | undefined;
    try {
      const megabytes = Math.ceil((parameterCount(plan.architecture) * 4) / 1e6);
      await gpu.checked(`the weights of the model (${megabytes} MB)`, () => {
        backend = new GpuBackend(gpu, plan, spec, buffers, without);
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
  static codeFor(_gpu: Gpu, plan: Plan): string {
    return [...new Set(dispatchesOf(compile(plan)).map(({ kernel }) => kernelKey(kernel)))].join('\n');
  }

  private constructor(gpu: Gpu, plan: Plan, spec: Preprocess, weightBuffers: Buffers, without: ReadonlySet<string>) {
    const { device } = gpu;
    const { architecture } = plan;
    this.#gpu = gpu;
    this.#plan = plan;
    this.#spec = spec;
    this.#without = without;
    this.#weightBuffers = weightBuffers;
    this.#weights = new WeightBuffers(device, weightBuffers);
    this.#pipelines = new Pipelines(device);
    this.#checker = new KernelChecker(gpu, this.#pipelines);
    this.#images = this.#network(planViT(architecture, this.#extras()));
    this.#weights.create(this.#images.program);
    this.#texts = architecture.text ? this.#network(planText(architecture, architecture.text, this.#extras())) : null;
    if (this.#texts) this.#weights.create(this.#texts.program);
    this.#makingPreprocess = PreprocessGpu.create(device, this.#pipelines, {
      spec,
      architecture,
      resizeOn: this.adapter.software ? 'cpu' : 'gpu',
    });
    this.#makingPreprocess.catch(() => {}); // Thrown by ready().
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
    [this.#preprocess] = await Promise.all([this.#makingPreprocess, this.#images.ready(), this.#texts?.ready()]);
  }

  /** Once through everything, unless something ran already: the first use of a pipeline can be slow, and the caller's first picture is not to pay. */
  async warmUp(): Promise<void> {
    if (this.#isWarm) return;
    const onePixel = { data: new Uint8ClampedArray(4), width: 1, height: 1 } as ImageData;
    await this.run({ batch: 1, usePicture: async (_, use) => use(onePixel) }, { outputs: [] });
  }

  maxBatch(of: 'images' | 'texts', wanted: Wanted): number {
    return (of === 'texts' ? this.#texts! : this.#networkFor(wanted)).maxBatch;
  }

  async run(input: Input, wanted: Wanted): Promise<Outputs> {
    this.#gpu.throwIfFailed();
    const { batch } = input;
    const network = 'ids' in input ? this.#texts! : this.#networkFor(wanted);
    await network.ready();
    if (network === this.#extra?.network) await this.#checkExtra(this.#extra);
    const activations = await network.activationsFor(batch);
    const encoder = await this.#upload(input, activations);
    network.record(encoder, activations, batch, wanted.outputs);
    this.#isWarm = true;
    this.#gpu.device.queue.submit([encoder.finish()]);
    return network.read(activations, batch, wanted.outputs);
  }

  /** What an ordinary run and texts are computed with, by name; and those of them that are variants, by `variantName`. */
  get kernels(): string[] {
    return [...new Set(this.#kernels.map(({ name }) => name))];
  }

  get variants(): string[] {
    const names = this.#kernels.map(({ name: kernel, variant }) => variantName({ kernel, variant }));
    return [...new Set(names)].filter((name) => name !== null);
  }

  get #kernels(): Kernel[] {
    const networks = [this.#images, this.#texts].filter((network) => network !== null);
    return networks.flatMap(({ program }) => dispatchesOf(program).map(({ kernel }) => kernel));
  }

  get resizesOnGpu(): boolean {
    return this.#preprocess!.resizesOnGpu;
  }

  /** From now on pictures are resized by the processor. */
  async resizeOnCpu(): Promise<void> {
    this.#preprocess!.destroy();
    const { architecture } = this.#plan;
    const options = { spec: this.#spec, architecture, resizeOn: 'cpu' } as const;
    this.#preprocess = await PreprocessGpu.create(this.#gpu.device, this.#pipelines, options);
  }

  /** Every kernel of the networks for images and texts. */
  async checkKernels(): Promise<KernelCheck[]> {
    const checks: KernelCheck[] = [];
    this.#checker.forget();
    for (const network of [this.#images, this.#texts]) {
      if (network) checks.push(...(await this.#checker.check(network)));
    }
    return checks;
  }

  isLost(error: unknown): Promise<boolean> {
    return this.#gpu.isLost(error);
  }

  memory(): Memory {
    const networks = [this.#images, this.#texts, this.#extra?.network];
    const activations = networks.reduce((sum, network) => sum + (network?.bytes ?? 0), 0);
    return { gpu: this.#weightBuffers.bytes + activations + (this.#preprocess?.bytes ?? 0), cpu: 0 };
  }

  destroy(): void {
    for (const network of [this.#images, this.#texts, this.#extra?.network]) network?.destroy();
    // It may still be in the making.
    if (this.#preprocess) this.#preprocess.destroy();
    else
      this.#makingPreprocess.then(
        (preprocess) => preprocess.destroy(),
        () => {},
      );
    this.#weightBuffers.destroy();
    this.#gpu.destroy();
  }

  #network(plan: Plan): Network {
    return new Network(this.#gpu, plan, this.#pipelines, this.#weights);
  }

  #networkFor({ outputs, blocks }: Wanted): Network {
    const { architecture } = this.#plan;
    const extras = extrasFor(outputs, architecture.depth, blocks);
    const key = JSON.stringify(extras);
    if (key === '{}') return this.#images;
    if (this.#extra?.key !== key) {
      this.#extra?.network.destroy();
      const network = this.#network(planViT(architecture, { ...extras, ...this.#extras() }));
      this.#extra = { key, network, isRight: false };
    }
    return this.#extra.network;
  }

  /** The first time: it has kernels that an ordinary run has not. @throws ViTError `numeric` */
  async #checkExtra(extra: { network: Network; isRight: boolean }): Promise<void> {
    if (extra.isRight) return;
    const wrong = (await this.#checker.check(extra.network)).find(({ passed }) => !passed);
    if (wrong) {
      throw new ViTError('numeric', `This GPU computes something else in the kernel ${wrong.kernel} (${wrong.step}).`);
    }
    extra.isRight = true;
  }

  /** How plans go around what this GPU computes wrongly. */
  #extras(): Extras {
    return this.#without.has('attention/fused') ? { separateAttention: true } : {};
  }

  /** @returns the encoder in which the rest of the run is to be recorded */
  async #upload(input: Input, { inputs }: Activations): Promise<GPUCommandEncoder> {
    const { device } = this.#gpu;
    const { batch } = input;
    let encoder = device.createCommandEncoder({ label: 'run' });
    if ('pixels' in input) device.queue.writeBuffer(inputs.pixels!, 0, input.pixels);
    else if ('ids' in input) {
      const perText = input.ids.length / batch;
      device.queue.writeBuffer(inputs.ids!, 0, input.ids);
      // The kernel picks from the tokens of all texts.
      const rows = input.ends.map((end, text) => text * perText + end);
      device.queue.writeBuffer(inputs.ends!, 0, rows);
    } else {
      for (let index = 0; index < batch; index++) {
        if (index > 0) {
          // The next picture takes the scratch memory of the one before.
          device.queue.submit([encoder.finish()]);
          encoder = device.createCommandEncoder({ label: 'run' });
        }
        await input.usePicture(index, (picture) => {
          this.#preprocess!.upload(picture, inputs.pixels!, index);
          this.#preprocess!.record(encoder);
        });
      }
    }
    return encoder;
  }
}
