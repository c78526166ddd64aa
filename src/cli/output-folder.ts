/**
 * A folder that is either there completely or not at all: it is filled under another name beside its place and renamed
 * at the end.
 */
import { rmSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ViTError } from '../error.ts';

/**
 * @param force replace a folder that holds something; the old one stays until the new one is complete
 * @param fill writes into the folder whose path it is given
 * @throws ViTError `bad-input` when the place is taken. Whatever `fill` throws, after taking away what it wrote.
 */
export async function writeFolder(
  place: string,
  force: boolean,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const target = resolve(place);
  await checkPlace(place, force);
  const partial = `${target}.partial-${process.pid}`;
  const stopTidying = tidyOnInterrupt(partial);
  try {
    await mkdir(partial, { recursive: true });
    await fill(partial);
    await moveInto(target, partial);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  } finally {
    stopTidying();
  }
}

/** @throws ViTError `bad-input` when `writeFolder` would not write here. */
export async function checkPlace(place: string, force: boolean): Promise<void> {
  const target = resolve(place);
  const there = await stat(target).catch(() => undefined);
  if (!there) return;
  if (!there.isDirectory()) throw new ViTError('bad-input', `${target} is a file. Give another folder.`);
  if (force || (await readdir(target)).length === 0) return;
  throw new ViTError('bad-input', `${target} is not empty. Give another folder, or --force to replace it.`);
}

async function moveInto(target: string, complete: string): Promise<void> {
  const old = `${target}.replaced-${process.pid}`;
  const replaces = (await stat(target).catch(() => undefined)) !== undefined;
  if (replaces) await rename(target, old);
  try {
    await rename(complete, target);
  } catch (error) {
    if (replaces) await rename(old, target);
    throw error;
  }
  if (replaces) await rm(old, { recursive: true });
}

/** @returns ends it. */
function tidyOnInterrupt(folder: string): () => void {
  const signals = { SIGINT: 130, SIGTERM: 143 } as const;
  const handlers = Object.entries(signals).map(([signal, exitCode]) => {
    const handler = () => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(exitCode);
    };
    process.once(signal, handler);
    return () => process.removeListener(signal, handler);
  });
  return () => {
    for (const remove of handlers) remove();
  };
}
