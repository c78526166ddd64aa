/**
 * Calls with pictures: those that wait one behind the other are computed as one batch, and each gets its own answer or
 * its own error. Pictures are taken when a call is made. It has a place in the queue once they are there: at once where
 * they are at hand, and no other call waits for a download.
 */
import { unpackError } from '../error.ts';
import type { EngineInterface, ImageResults, OutputName, Timing, WireImage } from '../interface.ts';
import { type Queue, throwIfAborted } from './call-queue.ts';
import { closePictures, type ImageInput, type Take, takePictures } from './image-input.ts';

/** Of a batch that is made of several calls: more would make the first of them wait, and take memory. */
const MAX_IMAGES = 8;

export interface CallResult {
  /** One per picture. */
  rows: Float32Array<ArrayBuffer>[];
  /** This call's share of its batch's time. */
  timing: Timing;
}

interface Call {
  pictures: WireImage[];
  output: OutputName;
}

/** Calls that will be, are or have been computed together. */
interface Group {
  calls: Set<Call>;
  isOpen: boolean;
  /** The queue's count when this was its last job. */
  place: number;
  results: Promise<Map<Call, () => CallResult>>;
}

export class Batcher {
  readonly #queue: Queue;
  readonly #engine: EngineInterface;
  readonly #maxBatch: () => number;
  readonly #take: Take | undefined;
  #last: Group | null = null;

  /** @param maxBatch images that the engine computes at once */
  constructor(queue: Queue, engine: EngineInterface, maxBatch: () => number, take?: Take) {
    this.#queue = queue;
    this.#engine = engine;
    this.#maxBatch = maxBatch;
    this.#take = take;
  }

  /** @throws ViTError what `takePictures` and the engine throw; `aborted`; the queue's when it is closed */
  run(images: ImageInput[], output: OutputName, signal?: AbortSignal): Promise<CallResult> {
    return this.#withPictures(images, signal, async (pictures) => {
      const call: Call = { pictures, output };
      const group = this.#groupFor(call);
      group.calls.add(call);
      try {
        const result = group.results.then((results) => results.get(call)!());
        return await this.#queue.settle(result, signal);
      } catch (error) {
        // Given up before its turn: nobody else will close its pictures.
        if (group.isOpen && group.calls.delete(call)) closePictures(pictures);
        throw error;
      }
    });
  }

  /** A call with one picture that is computed by itself. */
  runAlone<T>(image: ImageInput, job: (picture: WireImage) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#withPictures([image], signal, async ([picture]) => {
      let begun = false;
      const start = () => {
        begun = true;
        return job(picture);
      };
      try {
        return await this.#queue.run(start, signal);
      } catch (error) {
        if (!begun) closePictures([picture]);
        throw error;
      }
    });
  }

  async #withPictures<T>(
    images: ImageInput[],
    signal: AbortSignal | undefined,
    use: (pictures: WireImage[]) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(signal);
    const taken = takePictures(images, signal, this.#take);
    if (Array.isArray(taken)) return use(taken);
    const pictures = await this.#queue.settle(taken, signal).catch((error) => {
      // Given up before they came.
      taken.then(closePictures, () => {});
      throw error;
    });
    return use(pictures);
  }

  /** The last group, if it has not begun, nothing else waits behind it and there is room in it. */
  #groupFor({ pictures }: Call): Group {
    const last = this.#last;
    if (last?.isOpen && last.place === this.#queue.count) {
      const images = [...last.calls].reduce((sum, call) => sum + call.pictures.length, pictures.length);
      if (images <= Math.min(MAX_IMAGES, this.#maxBatch())) return last;
    }
    const group: Group = {
      calls: new Set(),
      isOpen: true,
      place: this.#queue.count + 1,
      results: this.#queue.run(() => this.#start(group)),
    };
    group.results.catch(() => {}); // Every call of it may have been aborted.
    this.#last = group;
    return group;
  }

  async #start(group: Group): Promise<Map<Call, () => CallResult>> {
    group.isOpen = false;
    const calls = [...group.calls];
    const sent = calls.flatMap(({ pictures }) => pictures);
    if (sent.length === 0) return new Map();
    const outputs = [...new Set(calls.map(({ output }) => output))];
    const results = await this.#engine.runImages(sent, outputs);
    let first = 0;
    return new Map(
      calls.map((call) => {
        const from = first;
        first += call.pictures.length;
        return [call, () => pick(results, call, from, sent.length)];
      }),
    );
  }
}

/** @throws the error of the first picture of this call that has one */
function pick({ outputs, timing, failures }: ImageResults, { pictures, output }: Call, first: number, all: number) {
  const count = pictures.length;
  const failure = failures.find(({ image }) => image >= first && image < first + count);
  if (failure) throw unpackError(failure.error);
  const { data, shape } = outputs[output]!;
  const share = count / all;
  return {
    rows: Array.from({ length: count }, (_, i) => data.slice((first + i) * shape[1], (first + i + 1) * shape[1])),
    timing: { decode: timing.decode * share, preprocess: timing.preprocess * share, run: timing.run * share },
  };
}
