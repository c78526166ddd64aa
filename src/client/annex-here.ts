/**
 * Annexes for the caller's own thread. A file of its own: what the types of the library say of a loaded model is nothing of the
 * engine's, whose types need those of WebGPU.
 */
import { annexAddresses } from '../annexes/addresses.ts';
import { ADVICE, loadAnnex } from '../annexes/registry.ts';
import type { AnnexTable } from '../annexes/table.ts';
import { ViTError } from '../error.ts';

/** What there is not without it, and what else may be done. */
const HERE = {
  host: ['engine for this thread', " Or import it beside vit-webgpu: import 'vit-webgpu/host'."],
  words: ['use of words', ''],
} as const;

/** An annex for this thread. @throws ViTError `network` where it cannot be had */
export async function annexHere<N extends keyof typeof HERE>(name: N, assets?: string | URL): Promise<AnnexTable[N]> {
  const address = annexAddresses(assets)[`${name}.js`];
  try {
    return await loadAnnex(name, address);
  } catch (cause) {
    const why = `${address} cannot be used (${(cause as Error).message})`;
    const [what, way] = HERE[name];
    throw new ViTError('network', `There is no ${what}: ${why}. ${ADVICE}${way}`, { cause });
  }
}
