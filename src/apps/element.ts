/**
 * `<vit-classifier src model top-k>`: a picture and what is in it, as an element of HTML, for pages without a framework and within
 * all of them.
 *
 * Attributes: `src` (of the picture), `model` (as of `loadViT`), `top-k` (default 5), `backend`. Property `image`: a picture in any
 * form that `classify` takes, instead of `src`. Parts: `image`, `status`, `list`, `item`, `label`, `score`. Slot: one for a picture of
 * one's own, instead of the `<img>`. Events: `progress`, `answer` (`detail`: the labels), `failure` (`detail`: the ViTError).
 */
import type { Answer, Classification, ImageInput, ViTError } from '../index.ts';
import { type ModelState, type SharedModel, type SharedOptions, sharedModel } from './shared-model.ts';

const NAME = 'vit-classifier';
const ATTRIBUTES = ['src', 'model', 'top-k', 'backend'] as const;

const TEMPLATE = `<slot><img part="image" alt=""></slot><div part="status" role="status"></div><ol part="list"></ol>`;
const STYLE = `:host{display:inline-block}:host([hidden]){display:none}img{display:block;max-width:100%}
img:not([src]),[part=status]:empty{display:none}ol{list-style:none;margin:0;padding:0}
li{display:flex;justify-content:space-between;gap:1em}`;

/** On a server there are no elements: what is exported there is never made. */
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

export class ViTClassifier extends Base {
  static readonly observedAttributes = ATTRIBUTES;
  readonly #root: ShadowRoot;
  #image: ImageInput | null = null;
  #model: SharedModel | null = null;
  #leave = () => {};
  #seen: ModelState | null = null;
  #call: AbortController | null = null;
  #labels: Answer | null = null;

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: 'open' });
    this.#root.innerHTML = TEMPLATE;
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    this.#root.adoptedStyleSheets = [style];
  }

  /** A picture in any form that `classify` takes; it goes before `src`. */
  get image(): ImageInput | null {
    return this.#image;
  }

  set image(image: ImageInput | null) {
    this.#image = image;
    this.#classify();
  }

  /** The last answer, and whether it is `sure`; null while there is none. */
  get labels(): Answer | null {
    return this.#labels;
  }

  connectedCallback(): void {
    this.#open();
  }

  disconnectedCallback(): void {
    this.#call?.abort();
    this.#leave();
    this.#model = null;
  }

  attributeChangedCallback(name: (typeof ATTRIBUTES)[number], before: string | null, value: string | null): void {
    if (before === value) return;
    if (name === 'src') {
      if (value === null) this.#part('image').removeAttribute('src');
      else this.#part('image').setAttribute('src', value);
    }
    if (!this.isConnected) return;
    if (name === 'model' || name === 'backend') this.#open();
    else this.#classify();
  }

  #open(): void {
    this.#leave();
    this.#seen = null;
    const source = this.getAttribute('model');
    const backend = this.getAttribute('backend') as SharedOptions['backend'] | null;
    this.#model = source === null ? null : sharedModel(source, backend ? { backend } : {});
    this.#leave = this.#model?.use(() => this.#follow()) ?? (() => {});
    this.#follow();
  }

  /** What has become of the model. */
  #follow(): void {
    const { status, progress, error } = this.#model?.state ?? {};
    const before = this.#seen;
    this.#seen = this.#model?.state ?? null;
    if (progress && progress !== before?.progress) this.#dispatch('progress', progress);
    if (status === before?.status) return;
    if (status === 'failed') this.#fail(error!);
    else this.#classify();
  }

  async #classify(): Promise<void> {
    this.#call?.abort();
    const vit = this.#model?.state.vit;
    const image = this.#image ?? this.getAttribute('src');
    if (!vit || !image) return;
    const call = new AbortController();
    this.#call = call;
    this.#show('', this.#labels ?? []);
    try {
      const labels = await vit.classify(typeof image === 'string' ? new URL(image, this.baseURI) : image, {
        topK: Number(this.getAttribute('top-k') ?? 5),
        signal: call.signal,
      });
      if (call.signal.aborted) return;
      this.#labels = labels;
      this.#show('', labels);
      this.#dispatch('answer', labels);
    } catch (error) {
      if (!call.signal.aborted) this.#fail(error as ViTError);
    }
  }

  #fail(error: ViTError): void {
    this.#labels = null;
    this.#show(error.message, []);
    this.#dispatch('failure', error);
  }

  #show(status: string, labels: readonly Classification[]): void {
    this.#part('status').textContent = status;
    const percent = new Intl.NumberFormat(this.lang || undefined, { style: 'percent', maximumFractionDigits: 1 });
    this.#part('list').replaceChildren(
      ...labels.map(({ label, score }) =>
        element('li', 'item', element('span', 'label', label), element('span', 'score', percent.format(score))),
      ),
    );
  }

  #part(name: string): Element {
    return this.#root.querySelector(`[part=${name}]`)!;
  }

  #dispatch(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function element(tag: string, part: string, ...content: (Element | string)[]): HTMLElement {
  const made = document.createElement(tag);
  made.setAttribute('part', part);
  made.append(...content);
  return made;
}

if (globalThis.customElements && !customElements.get(NAME)) customElements.define(NAME, ViTClassifier);
