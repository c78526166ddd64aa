/**
 * A loaded model that a command asks: the library in a headless Chrome, which has WebGPU, or, for the CPU, in this process.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ViTError } from '../error.ts';
import type {
  Answer,
  BackendName,
  Classification,
  ClassifyOptions,
  LoadOptions,
  ModelInfo,
  Timing,
  ViT,
} from '../index.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { importBuilt, readJson } from './command-files.ts';
import { errorOfPage, type PageError, withEnginePage } from './engine-page.ts';

export interface Engine {
  info: ModelInfo;
  /** Milliseconds. */
  load: number;
  /**
   * @param files paths of pictures
   * @returns a list of labels for each, and whether it is sure where that was measured
   * @throws ViTError that of the first picture that fails
   */
  classify(files: string[], options: ClassifyOptions): Promise<Classified>;
}

/** What is still there of an answer when it has crossed from page to process. */
export interface Classified {
  labels: Classification[][];
  sure: (boolean | undefined)[];
  timing: Timing | null;
}

export interface EngineRequest {
  backend: 'auto' | BackendName;
  dtype?: LoadOptions['dtype'];
  /** Instead of the model's own. */
  preprocess?: Preprocess;
}

/**
 * @param manifest path of a `model.json`; its shards lie beside it
 * @param images paths of all pictures that will be asked about
 * @throws ViTError `bad-input` when the library is not built; `no-webgpu` without Playwright or Chrome, where they are needed
 */
export function withEngine<T>(
  manifest: string,
  images: string[],
  request: EngineRequest,
  use: (engine: Engine) => Promise<T>,
): Promise<T> {
  if (request.backend === 'cpu') return inThisProcess(manifest, request, use);
  return withEnginePage(manifest, images, async (page, reach) => {
    const loaded = unwrap(await page.evaluate(loadInPage, { model: reach.model, ...request }));
    const urls = new Map(images.map((file, i) => [file, reach.images[i]]));
    const classify = async (files: string[], options: ClassifyOptions) =>
      unwrap(await page.evaluate(classifyInPage, { images: files.map((file) => urls.get(file)!), options }));
    return use({ ...loaded, classify });
  });
}

async function inThisProcess<T>(
  manifest: string,
  { backend, dtype, preprocess }: EngineRequest,
  use: (engine: Engine) => Promise<T>,
): Promise<T> {
  const { loadViT }: typeof import('../node/index.ts') = await importBuilt('node', 'index.js');
  const start = performance.now();
  const source = preprocess ? await readModel(manifest, { preprocess }) : manifest;
  const vit = await loadViT(source, { backend, dtype }).catch(asOurs);
  try {
    return await use({
      info: vit.info,
      load: performance.now() - start,
      async classify(files, options) {
        const labels = await vit.classify(files, options).catch(asOurs);
        return { labels, sure: labels.map(({ sure }: Answer) => sure), timing: vit.lastTiming };
      },
    });
  } finally {
    vit.dispose();
  }
}

/** The library's error is of a class of its own: it is another build. */
export function asOurs(error: unknown): never {
  const { code, message } = error as ViTError;
  throw code ? new ViTError(code, message, { cause: error }) : error;
}

/** @param changes of what its manifest says */
export async function readModel(path: string, changes: { preprocess?: Preprocess } = {}) {
  const manifest = { ...((await readJson(path)) as { shards: { file: string }[] }), ...changes };
  const read = async ({ file }: { file: string }) => new Uint8Array(await readFile(join(dirname(path), file)));
  return { manifest: manifest as never, shards: await Promise.all(manifest.shards.map(read)) };
}

function unwrap<T extends object>(outcome: T | { error: PageError }): T {
  if ('error' in outcome) throw errorOfPage(outcome.error);
  return outcome;
}

/** What `loadInPage` leaves for `classifyInPage`. */
interface LoadedPage {
  vit: ViT;
}

/** Runs in the page, so it may use nothing of this file. */
async function loadInPage({
  model,
  backend,
  dtype,
  preprocess,
}: EngineRequest & { model: string }): Promise<{ info: ModelInfo; load: number } | { error: PageError }> {
  try {
    // In a variable, so that no bundler looks for it.
    const library = '/lib/index.js';
    const { loadViT }: typeof import('../index.ts') = await import(/* @vite-ignore */ library);
    const start = performance.now();
    const readModel = async () => {
      const manifest = { ...(await (await fetch(model)).json()), preprocess };
      const read = async ({ file }: { file: string }) =>
        new Uint8Array(await (await fetch(new URL(file, new URL(model, location.href)))).arrayBuffer());
      return { manifest, shards: await Promise.all(manifest.shards.map(read)) };
    };
    const vit = await loadViT(preprocess ? await readModel() : model, { backend, dtype });
    (globalThis as unknown as LoadedPage).vit = vit;
    return { info: vit.info, load: performance.now() - start };
  } catch (error) {
    const { code, message } = error as ViTError;
    return { error: { code, message } };
  }
}

/** Runs in the page, so it may use nothing of this file. */
async function classifyInPage({
  images,
  options,
}: {
  images: string[];
  options: ClassifyOptions;
}): Promise<Classified | { error: PageError }> {
  try {
    const { vit } = globalThis as unknown as LoadedPage;
    const labels = await vit.classify(images, options);
    return { labels, sure: labels.map(({ sure }) => sure), timing: vit.lastTiming };
  } catch (error) {
    const { code, message } = error as ViTError;
    return { error: { code, message } };
  }
}
