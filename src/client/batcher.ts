/**
 * Calls with pictures: those that wait one behind the other are computed as one batch, and each gets its own answer or
 * its own error. A call keeps its place in the queue; its pictures are taken when it is made, not when its turn comes.
 */
import { unpackError } from '../error.ts';
import type { EngineInterface, ImageResults, OutputName, Timing, WireImage } from '../interface.ts';
import { type ImageInput, toWireImage } from './image-input.ts';
import type { Queue } from './queue.ts';

/** Of a batch that is made of several calls: more would make the first of them wait, and take memory. */
const MAX_IMAGES = 8;

export interface CallResult {
  /** One per picture. */
  rows: Float32Array<ArrayBuffer>[];
  /** This call's share of its batch's time. */
  timing: Timing;
}

interface Call {
  images: Promise<WireImage[]>;
  count: number;
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
  #last: Group | null = null;

  /** @param maxBatch images that the engine computes at once */
  constructor(queue: Queue, engine: EngineInterface, maxBatch: () => number) {
    this.#queue = queue;
    this.#engine = engine;
    this.#maxBatch = maxBatch;
  }

  /** @throws ViTError what `toWireImage` and the engine throw; `aborted`; the queue's when it is closed */
  async run(images: ImageInput[], output: OutputName, signal?: AbortSignal): Promise<CallResult> {
    const call: Call = {
      images: Promise.all(images.map((image) => toWireImage(image, signal))),
      count: images.length,
      output,
    };
    call.images.catch(() => {}); // Thrown when its turn comes.
    const group = this.#groupFor(call);
    group.calls.add(call);
    try {
      const result = group.results.then((results) => results.get(call)!());
      return await this.#queue.settle(result, signal);
    } catch (error) {
      // Given up before its turn: nobody else will close its pictures.
      if (group.isOpen && group.calls.delete(call)) call.images.then(close, () => {});
      throw error;
    }
  }

  /** The last group, if it has not begun, nothing else waits behind it and there is room in it. */
  #groupFor({ count }: Call): Group {
    const last = this.#last;
    if (last?.isOpen && last.place === this.#queue.count) {
      const images = [...last.calls].reduce((sum, call) => sum + call.count, count);
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
    const pictures = await Promise.allSettled(calls.map(({ images }) => images));
    const sent: WireImage[] = [];
    const firsts = pictures.map((result) => {
      if (result.status === 'fulfilled') sent.push(...result.value);
      return sent.length - (result.status === 'fulfilled' ? result.value.length : 0);
    });
    const outputs = [...new Set(calls.map(({ output }) => output))];
    const results = sent.length > 0 ? await this.#engine.runImages(sent, outputs) : null;
    return new Map(
      calls.map((call, i) => {
        const picture = pictures[i];
        return [
          call,
          () => {
            if (picture.status === 'rejected') throw picture.reason;
            return pick(results!, call, firsts[i], sent.length);
          },
        ];
      }),
    );
  }
}

/** @throws the error of the first picture of this call that has one */
function pick({ outputs, timing, failures }: ImageResults, { count, output }: Call, first: number, all: number) {
  const failure = failures.find(({ image }) => image >= first && image < first + count);
  if (failure) throw unpackError(failure.error);
  const { data, shape } = outputs[output]!;
  const share = count / all;
  return {
    rows: Array.from({ length: count }, (_, i) => data.slice((first + i) * shape[1], (first + i + 1) * shape[1])),
    timing: { decode: timing.decode * share, preprocess: timing.preprocess * share, run: timing.run * share },
  };
}

function close(images: WireImage[]): void {
  for (const image of images) if ('close' in image) image.close();
}
