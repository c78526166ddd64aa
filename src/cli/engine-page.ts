/**
 * A page of a headless Chrome with this package's library, one model and some pictures within its reach, and nothing else.
 */
import { basename, dirname, extname, join } from 'node:path';
import type { BrowserType, Page } from 'playwright';
import { type ErrorCode, ViTError } from '../error.ts';
import { openPage } from './chrome.ts';
import { builtLibrary, fileIn, requireFile } from './command-files.ts';
import { packageRoot } from './package-root.ts';
import { filesBelow, serve } from './serve.ts';

/** Where the page finds things; the library is at `/lib/index.js`. */
export interface Reach {
  /** URL of the manifest. */
  model: string;
  /** URLs of the pictures, in their order. */
  images: string[];
}

/** What a function that runs in the page gives back instead of throwing: errors lose their code on the way. */
export interface PageError {
  code?: ErrorCode;
  message: string;
}

/** The manifest of a folder, or of this package's own model. */
export function manifestFile(model?: string): string {
  const manifest = fileIn(model ?? join(packageRoot(), 'weights', 'vit-cifar10'), 'model.json');
  requireFile(manifest);
  return manifest;
}

/**
 * @param manifest path of a `model.json`; its shards lie beside it
 * @param images paths of files
 * @throws ViTError `bad-input` when the library is not built; `no-webgpu` without Playwright or Chrome
 */
export async function withEnginePage<T>(
  manifest: string,
  images: string[],
  use: (page: Page, reach: Reach) => Promise<T>,
): Promise<T> {
  const library = builtLibrary('lib');
  for (const file of images) requireFile(file);
  const chromium = await loadPlaywright();

  const urls = images.map((file, index) => `/images/${index}${extname(file)}`);
  const server = await serve(
    new Map([
      ...(await filesBelow('/lib', library)),
      ...(await filesBelow('/model', dirname(manifest))),
      ...urls.map((url, index) => [url, images[index]] as const),
    ]),
  );
  try {
    const { browser, page } = await openPage(chromium, `${server.origin}/`);
    try {
      return await use(page, { model: `/model/${encodeURIComponent(basename(manifest))}`, images: urls });
    } finally {
      await browser.close();
    }
  } finally {
    await server.close();
  }
}

async function loadPlaywright(): Promise<BrowserType> {
  try {
    return (await import('playwright')).chromium;
  } catch (cause) {
    throw new ViTError('no-webgpu', 'This drives Chrome through Playwright. Install it: npm install playwright', {
      cause,
    });
  }
}

/** @param file of the picture that failed, if it was one */
export function errorOfPage({ code, message }: PageError, file?: string): Error {
  const where = file === undefined ? '' : `${file}: `;
  return code ? new ViTError(code, where + message) : new Error(where + message);
}
