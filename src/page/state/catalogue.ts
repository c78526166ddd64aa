/**
 * Models of the Hugging Face Hub that the page offers. Bytes are those of their weights as they are published: four for each
 * parameter.
 */
export interface Offer {
  /** As of `loadViT`. */
  address: string;
  name: string;
  knows: 'thousand' | 'things' | 'words';
  bytes: number;
  licence: string;
}

/** The smallest first. */
export const CATALOGUE: readonly Offer[] = [
  {
    address: 'hf:WinKawaks/vit-tiny-patch16-224',
    name: 'ViT-Tiny',
    knows: 'thousand',
    bytes: 22.9e6,
    licence: 'Apache-2.0',
  },
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
  { address: 'hf:openai/clip-vit-base-patch32', name: 'CLIP ViT-B/32', knows: 'words', bytes: 605e6, licence: 'MIT' },
];
