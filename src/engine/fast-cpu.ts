/**
 * A model on the CPU's fast kernels, checked and filled: what the annex `cpu` brings.
 */
import type { Backend } from '../backend.ts';
import type { ModelOnCpu } from '../cpu/model-on-cpu.ts';
import { openCpu } from '../cpu/open-cpu.ts';
import { ViTError } from '../error.ts';
import { VERSION } from '../version.ts';
import { destroyOnError, type Loading } from './candidate.ts';
import { unlessMissing } from './check/proof.ts';
import { kindsOfSteps } from './check/step-kinds.ts';

/** @returns null where WebAssembly cannot be used or gives wrong results, after a warning */
export async function openFastCpu(
  loading: Loading,
  model: ModelOnCpu,
  storage: Backend['storage'],
): Promise<Backend | null> {
  const { fill, signal, warn } = loading;
  let backend: Backend;
  try {
    backend = await openCpu({ ...loading, ...model, storage });
  } catch (error) {
    if (error instanceof ViTError && error.code === 'out-of-memory') throw error;
    // An annex that is missing has been warned of.
    if (!(error instanceof ViTError && error.code === 'network')) warn(slowBecause(error as Error));
    return null;
  }
  // Whoever waits for weights can check kernels meanwhile.
  const work = () => Promise.all([wrongKernel(backend, loading), fill(backend)]);
  const [wrong] = await destroyOnError(backend, signal, work);
  if (!wrong) return backend;
  backend.destroy();
  warn(slowBecause(wrong));
  return null;
}

/** Once per browser and code. @returns an error that names it; null where all are right */
async function wrongKernel(backend: Backend, { findings, plan }: Loading): Promise<Error | null> {
  const about = [
    ...['kernels of the CPU', globalThis.navigator?.userAgent, VERSION],
    ...[backend.variant, kindsOfSteps(plan)],
  ];
  if (await findings.read(about)) return null;
  const checks = await unlessMissing(backend.check!());
  const wrong = checks?.find(({ passed }) => !passed);
  if (wrong) return new Error(`kernel ${wrong.kernel} gives wrong results here (${wrong.step})`);
  if (checks) await findings.write(about, true);
  return null;
}

function slowBecause({ name, message }: Error): string {
  const refused = name === 'CompileError' && /unsafe|Content.Security/i.test(message);
  const remedy = refused ? ` Allow 'wasm-unsafe-eval' in the page's Content Security Policy.` : '';
  return `The model runs without WebAssembly, some 20 times slower: ${message}.${remedy}`;
}
