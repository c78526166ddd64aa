/**
 * What may compute a model, in the order in which it is tried. A backend of another kind is one more entry of the list.
 */
import { Gpu } from '../gpu/device.ts';
import type { BackendName, EngineOptions } from '../interface.ts';
import type { Candidate, Loading } from './candidate.ts';
import { CpuCandidate } from './cpu-candidate.ts';
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
    create: (loading) => new GpuCandidate(loading, () => requestGpu(loading.options), true),
  },
  {
    name: 'cpu',
    appliesTo: () => true,
    create: (loading) => new CpuCandidate(loading),
  },
];

/** In the order in which they are tried; at least one. */
export function candidatesFor(loading: Loading): Candidate[] {
  const { options } = loading;
  const { backend = 'auto' } = options;
  const kinds = KINDS.filter((kind) => (backend === 'auto' || backend === kind.name) && kind.appliesTo(options));
  return kinds.map((kind) => kind.create(loading));
}

/** By itself the CPU is faster than a software adapter, which is only taken where it was asked for. */
function requestGpu({ powerPreference, backend = 'auto' }: EngineOptions): Promise<Gpu> {
  return Gpu.request(powerPreference, { software: backend === 'webgpu' });
}
