/**
 * Models that the page offers: its own, and some of the Hugging Face Hub. Bytes are those of their weights as they are published: four for each
 * parameter.
 */
export interface Offer {
  /** As of `loadViT`. */
  address: string;
  name: string;
  knows: 'ten' | 'thousand' | 'things' | 'words';
  bytes: number;
  licence: string;
}

/** The one that comes with the page; its name is a sentence. */
export const EMBEDDED: Offer = {
  address: 'weights/vit-cifar10/model.json',
  name: '',
  knows: 'ten',
  bytes: 5.4e6,
  licence: 'Apache-2.0',
};

const TINY: Offer = {
  address: 'hf:WinKawaks/vit-tiny-patch16-224',
  name: 'ViT-Tiny',
  knows: 'thousand',
  bytes: 22.9e6,
  licence: 'Apache-2.0',
};

/** What those get offered whose photo the model of this page does not know. */
export const FIRST_OFFER = TINY;

/** For those who ask with words. */
export const WORDS_OFFER: Offer = {
  address: 'hf:openai/clip-vit-base-patch32',
  name: 'CLIP ViT-B/32',
  knows: 'words',
  bytes: 605e6,
  licence: 'MIT',
};

/** The smallest first. */
export const CATALOGUE: readonly Offer[] = [
  TINY,
  {
    address: 'hf:WinKawaks/vit-small-patch16-224',
    name: 'ViT-Small',
    knows: 'thousand',
    bytes: 88.2e6,
    licence: 'Apache-2.0',
  },
  { address: 'hf:facebook/dinov2-small', name: 'DINOv2 Small', knows: 'things', bytes: 88.3e6, licence: 'Apache-2.0' },
  {
    address: 'hf:google/vit-base-patch16-224',
    name: 'ViT-Base',
    knows: 'thousand',
    bytes: 346e6,
    licence: 'Apache-2.0',
  },
  WORDS_OFFER,
];

/** Where it says what a model is good for; null where nothing is known of that. */
export function cardOf(address: string | null): string | null {
  if (address === null || address === EMBEDDED.address) return './weights/vit-cifar10/MODEL_CARD.md';
  const [, repo] = /^hf:([\w.-]+\/[\w.-]+)/.exec(address) ?? [];
  return repo ? `https://huggingface.co/${repo}` : null;
}
