/**
 * The engine behind the interface its caller sees: one model, from its files to its answers. It lives in a worker or in
 * the caller's own thread, and does not know which.
 */
import { Annexes } from '../annexes/annexes.ts';
import type { AnnexAddresses } from '../annexes/table.ts';
import type { Input, InputData, Wanted } from '../backend.ts';
import { packError, ViTError } from '../error.ts';
import { decodeImage, type Picture } from '../image/decode.ts';
import { rgbOnCpu } from '../image/model-pixels.ts';
import type {
  AttendOptions,
  EngineEvent,
  EngineInterface,
  EngineOptions,
  ImageResults,
  Memory,
  ModelFiles,
  ModelInfo,
  OutputName,
  Outputs,
  Profile,
  Progress,
  RgbImage,
  SelfTest,
  Tensor,
  Text,
  Timing,
  WireImage,
} from '../interface.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { VERSION } from '../version.ts';
import { Field } from '../weights/field.ts';
import { parsePreprocess } from '../weights/parse-preprocess.ts';
import { joinOutputs, requireOutputs } from './run-outputs.ts';
import { Session } from './session.ts';
import type { Texts } from './texts.ts';

export class EngineHost implements EngineInterface {
  #session: Session | null = null;
  /** From the first text on. */
  #texts: Texts | null = null;
  #annexes = new Annexes(undefined, () => {});
  readonly #disposed = new AbortController();

  async release(): Promise<string> {
    return VERSION;
  }

  async load(
    source: string | ModelFiles | Blob[],
    options: EngineOptions,
    notify: (message: Progress | EngineEvent) => void,
    annexes?: AnnexAddresses,
  ): Promise<ModelInfo> {
    this.#annexes = new Annexes(annexes, (message) => notify({ type: 'warning', message }));
    const session = await Session.open(source, options, notify, this.#disposed.signal, this.#annexes);
    this.#session = session;
    if (this.#disposed.signal.aborted) await this.dispose();
    return session.info;
  }

  async runImages(images: WireImage[], outputs: OutputName[]): Promise<ImageResults> {
    try {
      return await this.#runImages(images, { outputs });
    } finally {
      close(images);
    }
  }

  /** @param images stay open */
  async #runImages(images: WireImage[], wanted: Wanted): Promise<ImageResults> {
    const { preprocess: spec } = this.#model().manifest;
    const start = performance.now();
    let decode = 0;
    let preprocess = 0;
    const failures: ImageResults['failures'] = [];
    const use = async (image: number, use: (picture: Picture) => void) => {
      const start = performance.now();
      const picture = await decodeImage(images[image], spec).catch((error) => {
        if (images.length === 1) throw error;
        // One unreadable picture does not fail the others of its batch.
        failures.push({ image, error: packError(error) });
      });
      if (!picture) return;
      const decoded = performance.now();
      try {
        use(picture);
      } finally {
        // What was given is needed again if the GPU is lost.
        if ('close' in picture && picture !== images[image]) picture.close();
      }
      decode += decoded - start;
      preprocess += performance.now() - decoded;
    };
    const { shapes } = this.#model();
    const outputs = shapes
      ? await shapes.runPictures(images.length, use, wanted, this.#runNetwork)
      : await this.#runNetwork(images.length, wanted, (first) => ({
          usePicture: (index, consume) => use(first + index, consume),
        }));
    const timing = { decode, preprocess, run: performance.now() - start - decode - preprocess };
    return { outputs, timing, failures };
  }

  async runPixels(pixels: Tensor, outputs: OutputName[]): Promise<{ outputs: Outputs; timing: Timing }> {
    const { shapes } = this.#model();
    const start = performance.now();
    const wanted = { outputs };
    const result = await (shapes
      ? shapes.runPixels(pixels, wanted, this.#runNetwork)
      : this.#runPixels(pixels, wanted));
    return { outputs: result, timing: { decode: 0, preprocess: 0, run: performance.now() - start } };
  }

  async runTexts(texts: Text[], truncate?: boolean): Promise<{ outputs: Outputs; timing: Timing }> {
    const session = this.#model();
    const start = performance.now();
    const annex = await this.#annexes.need('texts');
    this.#texts ??= new annex.Texts(session, this.#annexes);
    const outputs = await this.#texts.run(texts, truncate, (tower, inputOf) =>
      this.#run(tower, texts.length, { outputs: ['embedding'] }, inputOf),
    );
    return { outputs, timing: { decode: 0, preprocess: 0, run: performance.now() - start } };
  }

  async attend(image: WireImage, options: AttendOptions): Promise<{ map: Tensor; timing: Timing }> {
    try {
      const { architecture } = this.#model().plan;
      const { attend } = await this.#annexes.need('attend');
      return await attend(options, architecture, (blocks) =>
        this.#runImages([image], { outputs: ['attention'], blocks }),
      );
    } finally {
      close([image]);
    }
  }

  async preprocess(image: WireImage, spec?: Preprocess): Promise<RgbImage> {
    const { info } = this.#model();
    try {
      const checked = spec && parsePreprocess(new Field(spec, 'The spec of preprocess()', '', 'bad-input'));
      return await rgbOnCpu(image, checked ?? info.preprocess);
    } finally {
      close([image]);
    }
  }

  async profile(image: WireImage): Promise<Profile> {
    const { plan } = this.#model();
    const [output] = Object.keys(plan.outputs) as OutputName[];
    const { timing } = await this.runImages([image], [output]);
    return this.#model().run(async (backend) => {
      if (backend.profile) return { timing, ...(await backend.profile()) };
      throw new ViTError('no-webgpu', 'There is no GPU to profile: the CPU computes this model.');
    });
  }

  async selfTest(): Promise<SelfTest> {
    const images = await this.#model().selfTest();
    return this.#texts?.selfTest(images) ?? images;
  }

  async memory(): Promise<Memory> {
    const images = this.#model().memory();
    return this.#texts?.memory(images) ?? images;
  }

  async dispose(): Promise<void> {
    this.#disposed.abort(new ViTError('disposed', 'The model was disposed; load it again.'));
    this.#session?.destroy();
    this.#texts?.destroy();
    this.#session = null;
  }

  #model(): Session {
    this.#disposed.signal.throwIfAborted();
    if (!this.#session) throw new ViTError('bad-input', 'No model is loaded yet.');
    return this.#session;
  }

  #runPixels({ data, shape }: Tensor, wanted: Wanted): Promise<Outputs> {
    const { channels, imageSize } = this.#model().plan.architecture;
    const size = channels * imageSize[0] * imageSize[1];
    const [batch] = shape;
    const image = [channels, ...imageSize].join(', ');
    const fits = shape.join(', ') === `${batch}, ${image}` && data.length === batch * size;
    if (!fits || batch < 1 || batch % 1) {
      throw new ViTError(
        'bad-input',
        `There are ${data.length} pixels for the shape [${shape}]; this model takes [batch, ${image}].`,
      );
    }
    return this.#runNetwork(batch, wanted, (first, batch) => ({
      pixels: data.subarray(first * size, (first + batch) * size),
    }));
  }

  /** That of images. */
  #runNetwork = (count: number, wanted: Wanted, inputOf: (first: number, batch: number) => InputData) =>
    this.#run(this.#model(), count, wanted, inputOf);

  /** Runs any number of images or texts, in batches that the backend takes; `inputOf` gives each its input. */
  async #run(
    session: Session,
    count: number,
    wanted: Wanted,
    inputOf: (first: number, batch: number) => InputData,
  ): Promise<Outputs> {
    requireOutputs(wanted.outputs, session.plan.architecture);
    return session.run(async (backend) => {
      const parts: Outputs[] = [];
      let most = backend.maxBatch(wanted);
      for (let first = 0; first < count; ) {
        const batch = Math.min(most, count - first);
        const input: Input = { batch, ...inputOf(first, batch) };
        const part = await backend.run(input, wanted).catch((error) => {
          if (error.code !== 'out-of-memory' || batch === 1) throw error;
        });
        // No picture has been taken yet where memory was short, and half as many may fit.
        if (!part) most = batch >> 1;
        else {
          requireFinite(part, input);
          parts.push(part);
          first += batch;
        }
      }
      return joinOutputs(parts);
    });
  }
}

/** The caller moved them here, so they are closed here. */
function close(images: WireImage[]): void {
  for (const image of images) if ('close' in image) image.close();
}

/** @throws ViTError `bad-input` where the pixels were at fault, `numeric` where the arithmetic was */
function requireFinite(outputs: Outputs, input: Input): void {
  if (Object.values(outputs).every(({ data }) => data.every(Number.isFinite))) return;
  if ('pixels' in input && !input.pixels.every(Number.isFinite)) {
    throw new ViTError('bad-input', 'The pixels hold NaN or infinity.');
  }
  throw new ViTError('numeric', 'The network computed NaN or infinity: its weights or this GPU are at fault.');
}
