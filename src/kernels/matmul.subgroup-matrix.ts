import source from '../../shaders/matmul.subgroup-matrix.wgsl?raw';
import plain from '../../shaders/matmul.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { type Constants, continued, specialise } from '../gpu/specialise.ts';
import { PANEL, type WeightStorage } from './matmul.ts';

/** Rows, columns and depth of a product that a subgroup computes at once, and the largest size of a subgroup. */
export interface SubgroupMatrix {
  M: number;
  N: number;
  K: number;
  lanes: number;
}

/** Of `adapter.info`, where the adapter has matrices. */
export interface MatrixInfo {
  subgroupMaxSize?: number;
  subgroupMatrixConfigs?: Iterable<{
    M: number;
    N: number;
    K: number;
    componentType: string;
    resultComponentType: string;
  }>;
}

/** Rows and columns of a workgroup's tile of `matrix`, in four quarters. */
const MATRIX_TILE = 64;
const MOST_THREADS = 256;

/** @returns of the adapter's matrices one that takes weights as they are stored and sums in f32; null if it has none */
export function matrixFor(
  { subgroupMaxSize: lanes = 0, subgroupMatrixConfigs = [] }: MatrixInfo,
  storage: WeightStorage,
): SubgroupMatrix | null {
  const quarter = MATRIX_TILE / 2;
  for (const { M, N, K, componentType, resultComponentType } of subgroupMatrixConfigs) {
    const fits = quarter % M === 0 && quarter % N === 0 && N % PANEL === 0 && stageDepth(storage) % K === 0;
    const types = componentType === storage && resultComponentType === 'f32';
    if (fits && types && 4 * lanes <= MOST_THREADS) return { M, N, K, lanes };
  }
  return null;
}

/** Inputs in workgroup memory at once: what leaves it below 16 KiB. */
function stageDepth(storage: WeightStorage): number {
  return storage === 'f16' ? 32 : 16;
}

/** What differs from the plain kernel. @param constants of that one */
export function matrixMatmul(
  constants: Constants,
  { M, N, K, lanes }: SubgroupMatrix,
  outputs: number,
  storage: WeightStorage,
): Pick<Kernel, 'code' | 'grid'> {
  const matrix = { MATRIX_ROWS: M, MATRIX_COLUMNS: N, MATRIX_DEPTH: K, LANES: lanes, STAGE_DEPTH: stageDepth(storage) };
  return {
    code: specialise('matmul.subgroup-matrix.wgsl', continued(plain, source), { ...constants, ...matrix }, storage),
    grid: (rows) => [ceilDiv(outputs, MATRIX_TILE), ceilDiv(rows, MATRIX_TILE), 1],
  };
}
