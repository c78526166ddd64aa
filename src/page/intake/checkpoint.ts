/**
 * A checkpoint among what comes: another model, and all photos are shown to it.
 */
import { lookAgain } from '../engine/queue.ts';
import { open } from '../engine/session.ts';

const ENDINGS = ['.safetensors', '.pth', '.pt', '.ckpt', '.bin', '.npz'];

/** What a file chooser offers: checkpoints, and what says something of them. */
export const CHECKPOINTS = [...ENDINGS, '.json', '.txt'].join(',');

export function isCheckpoint({ name }: File): boolean {
  return ENDINGS.some((ending) => name.toLowerCase().endsWith(ending));
}

/** @param files the checkpoint, and config and labels beside it */
export async function openCheckpoint(files: File[]): Promise<void> {
  const opening = open(files);
  lookAgain();
  await opening;
}
