/**
 * Another model in place of the one that is here: all photos stay, and are shown to it.
 */
import { lookAgain } from './queue.ts';
import { open } from './session.ts';

/** @param source as of `open` */
export async function changeModel(source: Parameters<typeof open>[0]): Promise<void> {
  const opening = open(source);
  lookAgain();
  await opening;
}
