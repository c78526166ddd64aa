/**
 * Files for tests that run in the browser: fixtures of this project, and real checkpoints from the folder that the
 * environment variable VIT_MODELS names.
 */

import { bytesSource } from '../../src/convert/byte-source.ts';
import type { Checkpoint } from '../../src/convert/checkpoint.ts';
import { type ConvertOptions, convertCheckpoint } from '../../src/convert/convert.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { MemorySink } from '../../src/convert/sink.ts';
import type { ModelFiles } from '../../src/interface.ts';
import { withTimmAnswers } from './timm-answers.ts';

const VIT_MODELS: string = import.meta.env.VIT_MODELS;

/** Whether there are real checkpoints to test with. */
export const haveModels = VIT_MODELS !== '';

export const fixture = (path: string) => `/test/fixtures/${path}`;
export const realModel = (path: string) => `/@fs${VIT_MODELS}/${path}`;

export async function readBytes(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  // Vite answers with its index page where there is no file.
  if (!response.ok || response.headers.get('content-type')?.includes('text/html')) throw new Error(`no file ${url}`);
  return new Uint8Array(await response.arrayBuffer());
}

export async function readFloats(url: string): Promise<Float32Array<ArrayBuffer>> {
  return new Float32Array((await readBytes(url)).buffer);
}

export async function readJson<T>(url: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await readBytes(url)));
}

/** Converts a checkpoint in memory. */
export async function convert(checkpoint: string, options: ConvertOptions): Promise<ModelFiles> {
  return convertOpened(await openCheckpoint(bytesSource(await readBytes(checkpoint))), options);
}

export async function convertOpened(checkpoint: Checkpoint, options: ConvertOptions): Promise<ModelFiles> {
  const sink = new MemorySink();
  const manifest = await convertCheckpoint(checkpoint, sink, withTimmAnswers(checkpoint, options));
  return { manifest, shards: manifest.shards.map(({ file }) => sink.files.get(file)!) };
}
