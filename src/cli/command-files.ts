/**
 * Files that commands read, with messages for people when they cannot.
 */
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ViTError } from '../error.ts';
import { packageRoot } from './package-root.ts';

/** @throws ViTError `bad-input` when it is not there or is not JSON. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ViTError('bad-input', `${path} is not JSON: ${(cause as Error).message}.`, { cause });
  }
}

/** @throws ViTError `bad-input` when it is not there. */
export async function readText(path: string): Promise<string> {
  requireFile(path);
  return readFile(path, 'utf8');
}

/** @throws ViTError `bad-input` when there is no such file. */
export function requireFile(path: string): void {
  if (!existsSync(path)) throw new ViTError('bad-input', `There is no file ${path}.`);
  if (statSync(path).isDirectory()) throw new ViTError('bad-input', `${path} is a folder, not a file.`);
}

/** A part of the built library, such as 'lib'. @throws ViTError `bad-input` when it is not built */
export function builtLibrary(...path: string[]): string {
  const built = join(packageRoot(), 'dist', ...path);
  if (!existsSync(built)) throw new ViTError('bad-input', `The library is not built (no ${built}): npm run build`);
  return built;
}

/** Runs a part of the built library. @throws ViTError `bad-input` when it is not built */
export async function importBuilt<T>(...path: string[]): Promise<T> {
  return import(pathToFileURL(builtLibrary(...path)).href);
}

/** A path, or the file of one of these names within it when it is a folder. */
export function fileIn(path: string, ...names: string[]): string {
  if (!existsSync(path) || !statSync(path).isDirectory()) return path;
  const name = names.find((candidate) => existsSync(join(path, candidate)));
  if (!name) throw new ViTError('bad-input', `The folder ${path} holds no ${names.join(' and no ')}.`);
  return join(path, name);
}
