/**
 * What a GPU can do beyond what WebGPU promises of every GPU. Nothing of it is required.
 */

/** The feature that each takes. A device asks for those of them that its adapter has. */
export const FEATURES = {
  f16: 'shader-f16',
  subgroups: 'subgroups',
  matrices: 'chromium-experimental-subgroup-matrix',
} as const;

export interface Capabilities {
  /** Numbers of 16 bits in shaders. */
  f16: boolean;
  /** Threads that read one another's registers. */
  subgroups: boolean;
  /** Matrices that a subgroup multiplies; empty where there are none. */
  matrices: readonly MatrixConfig[];
  /** Threads of the largest subgroup. */
  lanes: number;
}

/** Rows, columns and depth of one product. */
export interface MatrixConfig {
  M: number;
  N: number;
  K: number;
  componentType: string;
  resultComponentType: string;
}

/** Of `adapter.info`; WebGPU's types know no matrices yet. */
interface MatrixInfo {
  subgroupMaxSize?: number;
  subgroupMatrixConfigs?: Iterable<MatrixConfig>;
}

export const BASELINE_CAPABILITIES: Capabilities = { f16: false, subgroups: false, matrices: [], lanes: 0 };

/** @param adapterInfo of the adapter itself: a device's copy leaves the matrices out */
export function capabilitiesOf(
  features: ReadonlySet<string>,
  adapterInfo: GPUAdapterInfo | MatrixInfo | null,
): Capabilities {
  const { subgroupMaxSize = 0, subgroupMatrixConfigs = [] } = (adapterInfo ?? {}) as MatrixInfo;
  return {
    f16: features.has(FEATURES.f16),
    subgroups: features.has(FEATURES.subgroups),
    matrices: features.has(FEATURES.matrices) ? [...subgroupMatrixConfigs] : [],
    lanes: subgroupMaxSize,
  };
}
