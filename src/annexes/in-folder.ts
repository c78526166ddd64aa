/**
 * Addresses that a page gives.
 */

/** What they are relative to; there is nothing of the kind in Node. */
export function pageAddress(): string | undefined {
  return typeof document === 'undefined' ? globalThis.location?.href : document.baseURI;
}

/** @param folder relative to the page, with or without a slash at its end */
export function inFolder(folder: string | URL, file: string): URL {
  return new URL(file, new URL(`${folder}`.replace(/\/?$/, '/'), pageAddress()));
}
