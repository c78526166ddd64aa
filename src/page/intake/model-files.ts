/**
 * A model among what comes: a checkpoint, or a converted one.
 */
const ENDINGS = ['.safetensors', '.pth', '.pt', '.ckpt', '.bin', '.npz'];

/** Of a converted model; its shards lie beside it. */
export const MANIFEST = 'model.json';

/** What a file chooser offers: models, and what says something of them. */
export const MODEL_FILES = [...ENDINGS, '.json', '.txt'].join(',');

/** Whether one of them is a model: the others belong to it. */
export function holdModel(files: File[]): boolean {
  return files.some(({ name }) => name === MANIFEST || ENDINGS.some((ending) => name.toLowerCase().endsWith(ending)));
}
