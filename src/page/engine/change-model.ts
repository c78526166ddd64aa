/**
 * Another model in place of the one that is here: all photos stay, and are shown to it.
 */

import { open } from './model.ts';
import { lookAgain } from './photo-queue.ts';

/** @param source as of `open` */
export async function changeModel(source: Parameters<typeof open>[0]): Promise<void> {
  const opening = open(source);
  lookAgain();
  await opening;
}
