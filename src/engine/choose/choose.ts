/**
 * The one place where it is decided what runs on a certain GPU: from what it can do, what is disabled on it, what tuning found,
 * and how weights are stored.
 */
import type { Capabilities } from '../../gpu/capabilities.ts';
import type { WeightStorage } from '../../kernels/matmul.ts';
import type { OptionalShaders } from '../../kernels/optional-shaders.ts';
import type { Plan } from '../../model/plan.ts';
import {
  BASELINE,
  type DisabledVariants,
  type FusedTiling,
  type KernelConfig,
  matmulKey,
  type Tilings,
  type WeightsOfFewBits,
  withoutDisabled,
} from './kernel-config.ts';

export interface Situation {
  /** Of images and, where there is a text tower, of texts. */
  plans: readonly Plan[];
  storage: WeightStorage;
  capabilities: Capabilities;
  /** Whether a CPU computes what the GPU would. */
  software: boolean;
  /** Empty where they could not be had: then the simplest kernels do everything. */
  shaders: OptionalShaders;
  few?: WeightsOfFewBits;
  disabled: DisabledVariants;
  /** What tuning found on this GPU. */
  tuned?: Tilings;
}

export function choose(situation: Situation): KernelConfig {
  const { storage, shaders, few, software, disabled, tuned } = situation;
  const hasShaders = Object.keys(shaders).length > 0;
  const start = { ...BASELINE, storage, shaders, few, ...(software && { norms: SOFTWARE_NORMS }) };
  if (!hasShaders) return withoutDisabled(start, disabled);
  return withoutDisabled({ ...start, ...(software ? forSoftwareAdapters(situation) : tuned) }, disabled);
}

/** Four threads a row: on SwiftShader less than half the time of sixteen, see `bench/RESULTS.md`. */
const SOFTWARE_NORMS = { lanes: 4 };

/**
 * Quads for every product: known to be fast where a CPU computes, measured on SwiftShader and lavapipe, see
 * `bench/RESULTS.md`.
 */
function forSoftwareAdapters({ plans, capabilities }: Situation): Partial<KernelConfig> {
  if (!capabilities.subgroups) return {};
  const quads = { entry: 'subgroups' } as const;
  const matmul: Record<string, FusedTiling> = {};
  for (const plan of plans) {
    for (const step of plan.steps) if (step.op === 'matmul') matmul[matmulKey(step, plan)] = quads;
  }
  return { matmul, products: quads };
}
