/**
 * Where the model runs, and why, in words.
 */
import type { AdapterInfo, ModelInfo, Support } from '../../index.ts';
import { backend as chosen } from '../state/settings.ts';
import { format, text } from './language.ts';

/** In a few words. */
export function backendName({ backend, adapter }: ModelInfo): string {
  const { model } = text();
  if (backend === 'cpu') return model.onCpu;
  const name = adapter ? adapterName(adapter) : model.unnamed;
  return adapter?.software ? model.onSoftware(name) : model.onGpu(name);
}

/** What that means, why it is so, and what to do. */
export function backendSentence(info: ModelInfo, support: Support): string {
  const { model } = text();
  if (info.backend === 'cpu') {
    const why = chosen.value === 'cpu' ? model.chosenCpu : model.whyCpu(support.reason ?? info.fallbackReason ?? '');
    const { simd = 'none', threads = 1 } = info.cpu ?? {};
    return `${why.trim()} ${simd === 'none' ? model.withoutWasm : model.withWasm(format().number(threads))}`;
  }
  return info.adapter?.software ? model.whySoftware : '';
}

function adapterName({ description, vendor, architecture }: AdapterInfo): string {
  const name = description || `${vendor} ${architecture}`.trim() || text().model.unnamed;
  return name.replace(/(^| )[a-z]/g, (letter) => letter.toUpperCase());
}
