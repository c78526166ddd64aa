/**
 * What is not part of the core that every page downloads, but lies in a file of its own beside it and is fetched when it is
 * first needed. Types only, so that the core carries nothing of it.
 */

/** By the stem of its entry, which is also that of its file: what an annex registers. Each entry adds its own line. */
// biome-ignore lint/suspicious/noEmptyInterface: see above
export interface AnnexTable {}

export type AnnexName = keyof AnnexTable;

/** Files that are fetched as they are: `.wasm`, and `.txt` for text (JSON, too: some bundlers turn `.json` into a script). */
export type AnnexData = 'cpu-plain.wasm' | 'cpu-relaxed.wasm';

/** A file beside `index.js`. */
export type AnnexFile = `${AnnexName}.js` | AnnexData;

/** URLs, as the page gives them to the engine. */
export type AnnexAddresses = Readonly<Record<AnnexFile, string>>;
