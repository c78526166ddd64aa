/**
 * The text tower of a CLIP or SigLIP. Most pages never ask for it, so all of it comes with the first text: this code, the weights,
 * and for words the model's tokenizer.
 */
import type { Annexes } from '../annexes/annexes.ts';
import { ViTError } from '../error.ts';
import type { Memory, SelfTest, Text } from '../interface.ts';
import { planText } from '../model/plan-text.ts';
import type { TextArchitecture } from '../model/text.ts';
import { type Texts as Ids, prepareTexts } from '../model/token-ids.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { MOST_BYTES } from '../text/tokenizer-limits.ts';
import type { LoadedManifest } from '../weights/manifest.ts';
import { TEXT, type Tower } from './check/tower.ts';
import { TEXT_STEPS } from './run/text-steps.ts';
import type { Session } from './session.ts';

export class Texts {
  readonly #images: Session;
  readonly #annexes: Annexes;
  readonly #text: TextArchitecture;
  #tower: Session | null = null;
  readonly #opening = new Map<string, Promise<unknown>>();
  #isDestroyed = false;

  /** @param images the model @throws ViTError `bad-input` for one without a text tower */
  constructor(images: Session, annexes: Annexes) {
    const { name, architecture } = images.manifest;
    if (!architecture.text) throw new ViTError('bad-input', `${name} has no text tower: it embeds images only.`);
    this.#images = images;
    this.#annexes = annexes;
    this.#text = architecture.text;
  }

  /**
   * @param truncate cuts words that are too many, instead of refusing them
   * @param run runs the tower, in batches to which `inputOf` gives their inputs
   * @throws ViTError those of loading, the first time
   */
  async run<T>(
    texts: readonly Text[],
    truncate: boolean | undefined,
    run: (tower: Session, inputOf: (first: number, batch: number) => Ids) => Promise<T>,
  ): Promise<T> {
    const { tokens } = this.#text;
    // Refused before anything is fetched for them.
    const { ids, ends } = prepareTexts(await this.#idsOf(texts, truncate), this.#text);
    const tower = await this.#once('tower', () => this.#openTower());
    this.#tower = tower;
    // While it was loading: nothing may stay allocated.
    if (this.#isDestroyed) this.destroy();
    return run(tower, (first, batch) => ({
      ids: ids.subarray(first * tokens, (first + batch) * tokens),
      ends: ends.subarray(first, first + batch),
    }));
  }

  /** Adds its own to that of images, where it is loaded. */
  memory({ gpu, cpu }: Memory): Memory {
    const own = this.#tower?.memory(false) ?? { gpu: 0, cpu: 0 };
    return { gpu: gpu + own.gpu, cpu: cpu + own.cpu };
  }

  /** Adds its own to that of images, where it is loaded: the larger of the two errors. */
  async selfTest(images: SelfTest): Promise<SelfTest> {
    const own = await this.#tower?.selfTest();
    if (!own) return images;
    const share = ({ maxError, tolerance }: SelfTest) => maxError / tolerance;
    return {
      ...(share(own) > share(images) ? own : images),
      passed: images.passed && own.passed,
      kernels: [...images.kernels, ...own.kernels],
    };
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.#tower?.destroy();
    this.#tower = null;
  }

  async #idsOf(texts: readonly Text[], truncate?: boolean): Promise<number[][]> {
    const isWords = (text: Text) => typeof text === 'string';
    const tokenizer = texts.some(isWords) ? await this.#once('tokenizer', () => this.#openTokenizer()) : null;
    return texts.map((text) => (isWords(text) ? tokenizer!.encode(text, truncate) : text));
  }

  /** What `open` gave the first time, whoever asks while it is under way; what failed is tried again. */
  #once<T>(what: 'tower' | 'tokenizer', open: () => Promise<T>): Promise<T> {
    const opening = this.#opening.get(what) ?? open();
    this.#opening.set(what, opening);
    opening.catch(() => this.#opening.delete(what));
    return opening as Promise<T>;
  }

  #openTower(): Promise<Session> {
    return this.#images.beside(({ notify }) => ({
      tower: textTower(this.#images.manifest),
      resizing: null,
      // What happens to it is not what the model's info says.
      notify: (message) => notify('stage' in message ? { ...message, of: 'texts' } : { ...message, info: undefined }),
    }));
  }

  async #openTokenizer(): Promise<Tokenizer> {
    const { name, words } = this.#images.manifest;
    if (!words) {
      const way = 'convert it again with its tokenizer.json beside the checkpoint, or give token ids';
      throw new ViTError('bad-input', `${name} has no tokenizer: ${way}.`);
    }
    const { bytes } = words.tokenizer;
    if (bytes > MOST_BYTES) {
      const most = `${MOST_BYTES} are read at most`;
      throw new ViTError('bad-manifest', `${name}: words.tokenizer.bytes is ${bytes}; ${most}.`);
    }
    const { openTokenizer } = await this.#annexes.need('tokenizer');
    for await (const bytes of this.#images.readFiles([words.tokenizer])) return openTokenizer(bytes, words, this.#text);
    throw new RangeError('There is one.');
  }
}

/** @throws ViTError `bad-manifest` for a golden that is no text of this model */
function textTower({ name, architecture, golden }: LoadedManifest): Tower {
  const text = architecture.text!;
  const prepared = (ids: number[]) => {
    try {
      return prepareTexts([ids], text);
    } catch (cause) {
      throw new ViTError('bad-manifest', `${name}: golden.text.ids are no text of this model.`, { cause });
    }
  };
  return {
    planWith: (extras) => planText(architecture, text, extras),
    steps: TEXT_STEPS,
    has: (tensor) => tensor.startsWith(TEXT),
    golden: () => {
      if (!golden?.text) return null;
      const { ids, embedding } = golden.text;
      return { input: { batch: 1, ...prepared(ids) }, output: 'embedding', expected: embedding };
    },
  };
}
