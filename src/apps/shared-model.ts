/**
 * One model for everybody who asks for the same: it is loaded for the first user, and disposed of when the last one has left.
 */
import { type LoadOptions, loadViT, type Progress, type ViT, type ViTError } from '../index.ts';

export type Source = Parameters<typeof loadViT>[0];
/** What is the same for all who share a model: data, no functions. */
export type SharedOptions = Omit<LoadOptions, 'signal' | 'onProgress' | 'onEvent' | 'worker' | 'device'>;

/** One object from one change to the next. */
export interface ModelState {
  status: 'loading' | 'ready' | 'failed';
  /** Null unless it is ready. */
  vit: ViT | null;
  /** Of the load; null before the first byte. */
  progress: Progress | null;
  /** Null unless it has failed. */
  error: ViTError | null;
}

export const LOADING: ModelState = { status: 'loading', vit: null, progress: null, error: null };

export class SharedModel {
  state = LOADING;
  readonly #source: Source;
  readonly #options: SharedOptions;
  readonly #listeners = new Set<() => void>();
  #load: AbortController | null = null;

  constructor(source: Source, options: SharedOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Loads the model for its first user. @returns ends the use */
  use(listener: () => void): () => void {
    // Whoever comes twice is two users.
    const user = () => listener();
    this.#listeners.add(user);
    if (!this.#load) this.#open();
    return () => {
      this.#listeners.delete(user);
      // One component may leave in the same moment in which another one comes, or itself again.
      setTimeout(() => this.#listeners.size === 0 && this.#close());
    };
  }

  async #open(): Promise<void> {
    const load = new AbortController();
    this.#load = load;
    const set = (state: Partial<ModelState>) => {
      if (load !== this.#load) return;
      this.state = { ...this.state, ...state };
      for (const listener of this.#listeners) listener();
    };
    try {
      const onProgress = (progress: Progress) => set({ progress });
      const vit = await loadViT(this.#source, { ...this.#options, signal: load.signal, onProgress });
      if (load === this.#load) set({ status: 'ready', vit });
      else vit.dispose();
    } catch (error) {
      set({ status: 'failed', error: error as ViTError });
    }
  }

  #close(): void {
    this.#load?.abort();
    this.#load = null;
    this.state.vit?.dispose();
    this.state = LOADING;
  }
}

/** Weakly: what nobody uses any more, and its files, may go. */
const models = new Map<string, WeakRef<SharedModel>>();
const names = new WeakMap<object, number>();
let named = 0;

/** The same for equal addresses and options, and for the same object. Loads nothing yet. */
export function sharedModel(source: Source, options: SharedOptions = {}): SharedModel {
  const key = JSON.stringify([nameOf(source), options, options.labels && nameOf(options.labels as object)]);
  const model = models.get(key)?.deref() ?? new SharedModel(source, options);
  models.set(key, new WeakRef(model));
  return model;
}

function nameOf(thing: string | object): string | number {
  if (typeof thing === 'string' || thing instanceof URL) return String(thing);
  const name = names.get(thing) ?? ++named;
  names.set(thing, name);
  return name;
}
