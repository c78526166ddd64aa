/**
 * A checkpoint among what comes: another model.
 */
const ENDINGS = ['.safetensors', '.pth', '.pt', '.ckpt', '.bin', '.npz'];

/** What a file chooser offers: checkpoints, and what says something of them. */
export const CHECKPOINTS = [...ENDINGS, '.json', '.txt'].join(',');

/** Whether one of them is a checkpoint: the others say something of it. */
export function holdCheckpoint(files: File[]): boolean {
  return files.some(({ name }) => ENDINGS.some((ending) => name.toLowerCase().endsWith(ending)));
}
