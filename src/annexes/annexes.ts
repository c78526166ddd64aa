/**
 * The annexes, as the engine gets them. One that cannot be had (offline, 404, Content Security Policy) costs what it is for,
 * and one warning; no answer depends on it.
 */
import { ViTError } from '../error.ts';
import { readLocalFile } from './local-file.ts';
import { ADVICE, loadAnnex } from './registry.ts';
import type { AnnexAddresses, AnnexData, AnnexFile, AnnexName, AnnexTable } from './table.ts';

/** What there is not without it, for people. */
const PURPOSES: Record<Exclude<AnnexFile, 'host.js' | 'words.js'>, string> = {
  'convert.js': 'conversions of checkpoints',
  'attend.js': 'attention maps',
  'image-size.js': 'other image sizes',
  'texts.js': 'words',
  'tokenizer.js': 'words',
  'sha256.js': 'checks of what is loaded',
  'cpu.js': 'fast kernels for the CPU',
  'cpu-plain.wasm': 'fast kernels for the CPU',
  'cpu-relaxed.wasm': 'fast kernels for the CPU',
  'reference.js': 'checks of this GPU or CPU',
  'few-bits.js': 'small weights',
  'family-kernels.js': 'kernels of this model for the GPU',
  'kernels.js': 'faster kernels',
  'tune.js': 'faster kernels and no profile',
};

export class Annexes {
  readonly #addresses: AnnexAddresses | undefined;
  readonly #warn: (message: string) => void;
  /** Each is asked for once; a failure stays one. */
  readonly #files = new Map<string, Promise<unknown>>();

  /** @param addresses as the page gave them */
  constructor(addresses: AnnexAddresses | undefined, warn: (message: string) => void) {
    this.#addresses = addresses;
    this.#warn = warn;
  }

  /** For what can be done without. @returns null where it cannot be had; that was warned of, once */
  find<N extends Exclude<AnnexName, 'host' | 'words'>>(name: N): Promise<AnnexTable[N] | null> {
    return this.need(name).catch(() => null);
  }

  /** For what was asked for by name. @throws ViTError `network`, after one warning */
  need<N extends Exclude<AnnexName, 'host' | 'words'>>(name: N): Promise<AnnexTable[N]> {
    return this.#once(`${name}.js`, (address) => loadAnnex(name, address));
  }

  /** The contents of a file that is no script. @throws ViTError `network`, after one warning */
  bytes(file: AnnexData): Promise<Uint8Array<ArrayBuffer>> {
    return this.#once(file, read);
  }

  address(file: AnnexFile): string {
    return this.#addresses?.[file] ?? file;
  }

  #once<T>(file: keyof typeof PURPOSES, load: (address: string) => Promise<T>): Promise<T> {
    const loading = (this.#files.get(file) as Promise<T> | undefined) ?? this.#load(file, load);
    this.#files.set(file, loading);
    return loading;
  }

  async #load<T>(file: keyof typeof PURPOSES, load: (address: string) => Promise<T>): Promise<T> {
    const address = this.address(file);
    try {
      return await load(address);
    } catch (cause) {
      const why = `${address} cannot be used (${(cause as Error).message})`;
      const message = `There are no ${PURPOSES[file]}: ${why}. ${ADVICE}`;
      this.#warn(message);
      throw new ViTError('network', message, { cause });
    }
  }
}

async function read(address: string): Promise<Uint8Array<ArrayBuffer>> {
  if (address.startsWith('file:')) return readLocalFile(new URL(address));
  const response = await fetch(address);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
