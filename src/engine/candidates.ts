/**
 * What may compute a model, in the order in which it is tried. A backend of another kind is one more entry of the list.
 */
import type { Backend } from '../backend.ts';
import { CpuBackend } from '../cpu/cpu-backend.ts';
import { Gpu } from '../gpu/device.ts';
import type { BackendName, EngineOptions } from '../interface.ts';
import { type Candidate, destroyOnError, type Loading } from './candidate.ts';
import { GpuCandidate } from './gpu-candidate.ts';

interface Kind {
  name: BackendName;
  appliesTo(options: EngineOptions): boolean;
  create(loading: Loading): Candidate;
}

const KINDS: readonly Kind[] = [
  {
    name: 'webgpu',
    appliesTo: ({ device }) => device !== undefined,
    create: (loading) => new GpuCandidate(loading, async () => new Gpu(loading.options.device!), false),
  },
  {
    name: 'webgpu',
    appliesTo: ({ device }) => device === undefined,
    create: (loading) => new GpuCandidate(loading, () => Gpu.request(loading.options.powerPreference), true),
  },
  {
    name: 'cpu',
    appliesTo: () => true,
    create: (loading) => ({
      canReopen: false,
      open: () => filled(new CpuBackend(loading.plan, loading.manifest.preprocess), loading),
    }),
  },
];

/** In the order in which they are tried; at least one. */
export function candidatesFor(loading: Loading): Candidate[] {
  const { options } = loading;
  const { backend = 'auto' } = options;
  const kinds = KINDS.filter((kind) => (backend === 'auto' || backend === kind.name) && kind.appliesTo(options));
  return kinds.map((kind) => kind.create(loading));
}

async function filled(backend: Backend, loading: Loading): Promise<Backend> {
  await destroyOnError(backend, loading.signal, () => loading.fill(backend));
  return backend;
}
