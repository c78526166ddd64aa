/**
 * What is not part of the core that every page downloads, but lies in a file of its own beside it and is fetched when it is
 * first needed. Types only, so that the core carries nothing of it.
 */
import type * as convert from '../checkpoint/open-checkpoint-source.ts';
import type * as words from '../client/words/words.ts';
import type * as attend from '../engine/attend.ts';
import type * as oracle from '../engine/check/oracle.ts';
import type * as opinion from '../engine/check/second-opinion.ts';
import type * as cpu from '../engine/fast-cpu.ts';
import type { FewBitsAnnex, KernelAnnex } from '../engine/gpu-backend.ts';
import type * as resizing from '../engine/resizing.ts';
import type { FamilySteps } from '../engine/run/program.ts';
import type * as texts from '../engine/texts.ts';
import type * as tuning from '../engine/tune/tune.ts';
import type { EngineInterface } from '../interface.ts';
import type * as tokenizer from '../text/tokenizer.ts';

/** By the stem of its entry, which is also that of its file: what an annex registers. */
export interface AnnexTable {
  /** Checkpoints, from the Hub or dropped, and what their models have in place of a golden. */
  convert: typeof convert & typeof opinion;
  /** Attention maps. */
  attend: typeof attend;
  /** Models at another image size than that of their files: one for all pictures, or that of each. */
  'image-size': typeof resizing;
  /** The text tower of a CLIP or SigLIP. */
  texts: typeof texts;
  /** From words to token ids. */
  tokenizer: typeof tokenizer;
  /** What `crypto.subtle` has, for pages that are not secure: it is not given to them. */
  sha256: { sha256(bytes: Uint8Array): Uint8Array };
  /** Kernels for the CPU. */
  cpu: typeof cpu;
  /** The network in float64: what kernels are checked against, and the last resort. */
  reference: typeof oracle;
  /** Shaders that are faster on some GPUs. */
  kernels: KernelAnnex;
  /** What finds out which are the fastest on this one, and where the time of a run goes. */
  tune: typeof tuning;
  /** Weights that stay in 8 or 4 bits on the GPU. */
  'few-bits': FewBitsAnnex;
  /** What a plain Vision Transformer does not need on the GPU. */
  'family-kernels': FamilySteps;
  /** For the page: zero-shot labels, label files, classes of one's own. */
  words: typeof words;
  /** The engine, for the page's own thread. */
  host: { EngineHost: new () => EngineInterface };
}

export type AnnexName = keyof AnnexTable;

/** Files that are fetched as they are: `.wasm`, and `.txt` for text (JSON, too: some bundlers turn `.json` into a script). */
export type AnnexData = 'cpu-plain.wasm' | 'cpu-relaxed.wasm';

/** A file beside `index.js`. */
export type AnnexFile = `${AnnexName}.js` | AnnexData;

/** URLs, as the page gives them to the engine. */
export type AnnexAddresses = Readonly<Record<AnnexFile, string>>;
