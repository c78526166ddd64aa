/**
 * How a program does its work on a certain GPU, where there is more than one way. Whatever is chosen, it computes the same.
 */
import { variantName } from '../../gpu/kernel.ts';
import type { AttentionTiling } from '../../kernels/attention.ts';
import type { ProductTiling } from '../../kernels/attention-scores.ts';
import type { LayerNormTiling } from '../../kernels/layer-norm.ts';
import type { SubgroupMatrix } from '../../kernels/matmul.subgroup-matrix.ts';
import { DIRECT, type MatmulTiling, PANEL, ROW_TILE, type WeightStorage } from '../../kernels/matmul.ts';
import { tiers } from '../../kernels/tiers.ts';
import type { Plan, Step, StepOf } from '../../model/plan.ts';

export interface Choices {
  /** Of the matrices of linear layers. */
  storage: WeightStorage;
  /** By `workOf`; direct where there is none. */
  tilings: Readonly<Record<string, Tiling>>;
  /** Of attention whose scores are stored. Default `main`. */
  products?: ProductTiling;
  /** Of norms that are not within a matmul. Default that of the kernel. */
  norms?: LayerNormTiling;
}

/** `norm`: the LayerNorm before it within the same dispatch, where nothing else reads what that one writes. */
export type Tiling = (MatmulTiling & { norm?: true }) | AttentionTiling;

/** A step that there is more than one way to do. */
export type Work = StepOf<'matmul'> | StepOf<'attention'>;

/** What a GPU offers beyond the least. */
export interface Abilities {
  subgroups: boolean;
  /** Whose operands are rounded to f16 if the weights are; null where there is none or that is not wanted. */
  matrix: SubgroupMatrix | null;
}

/** Right everywhere. */
export const SIMPLE: Choices = { storage: 'f32', tilings: {} };

export function isWork(step: Step): step is Work {
  return step.op === 'matmul' || (step.op === 'attention' && step.query === null);
}

/** What is the same work wherever it stands in a plan: `matmul 192 to 768, gelu`. */
export function workOf(work: Work, { values }: Plan): string {
  const { rows, columns } = values[work.output];
  if (work.op === 'attention') return `attention of ${rows} tokens, ${work.heads} heads of ${columns / work.heads}`;
  const kind = [work.activation, work.accumulate && 'added'].filter(Boolean).map((word) => `, ${word}`);
  return `matmul ${values[work.input].columns} to ${columns}${kind.join('')}`;
}

export function matmulTiling(step: StepOf<'matmul'>, plan: Plan, { tilings }: Choices) {
  return (tilings[workOf(step, plan)] ?? DIRECT) as MatmulTiling & { norm?: true };
}

export function attentionTiling(step: StepOf<'attention'>, plan: Plan, { tilings }: Choices): AttentionTiling {
  if (!isWork(step)) return { entry: 'direct' };
  return (tilings[workOf(step, plan)] ?? { entry: 'direct' }) as AttentionTiling;
}

/** Known to be fast where a processor is the GPU: measured on SwiftShader and lavapipe, see `bench/RESULTS.md`. */
export function forProcessors(plans: readonly Plan[], storage: WeightStorage, { subgroups }: Abilities): Choices {
  const norms = { entry: 'main', lanes: 4 } as const;
  if (!subgroups) return { storage, tilings: {}, norms };
  const matmuls = plans.flatMap((plan) =>
    plan.steps
      .filter((step) => step.op === 'matmul')
      .map((step) => [workOf(step, plan), { entry: 'subgroups' } as const]),
  );
  return { storage, tilings: Object.fromEntries(matmuls), products: { entry: 'subgroups' }, norms };
}

/** Rows from which on tiles of twice as many rows are enough to keep a GPU busy. */
const MANY_ROWS = 512;
/** Threads of `direct` below which a GPU is not kept busy: some 200 for each of its cores. */
const FEW_THREADS = 8192;

/**
 * Those that may be worth trying, best known first: two or three for attention, two to five for a matmul, by its shape.
 * @param batch how many images there will be @param norm whether one is before it and could be within
 */
export function candidates(work: Work, plan: Plan, batch: number, norm: boolean, abilities: Abilities): Tiling[] {
  const { subgroups, matrix } = abilities;
  const { rows, columns: outputs } = plan.values[work.output];
  if (work.op === 'attention') {
    return [
      { entry: 'direct' },
      ...(outputs / work.heads <= 512 ? [{ entry: 'tiled' } as const] : []),
      ...(subgroups && tiers ? [{ entry: 'subgroups' } as const] : []),
    ];
  }
  // Whole groups are padded to a multiple of 4.
  const { columns, groups } = plan.values[work.input];
  const blocks = groups * Math.ceil(columns / groups / 4);
  const isNarrow = ((batch * rows) / ROW_TILE) * (outputs / PANEL) < FEW_THREADS;
  const splits = [4, 2].find((splits) => isNarrow && blocks % splits === 0);
  const staged = { entry: 'staged', threadRows: batch * rows < MANY_ROWS ? 4 : 8 } as const;
  return [
    DIRECT,
    ...(splits ? [{ entry: 'split', splits } as const] : []),
    staged,
    ...(norm ? [{ ...staged, norm: true } as const] : []),
    // Which GPU has matrices has no use for quads.
    ...(matrix ? [{ entry: 'matrix', matrix } as const] : subgroups ? [{ entry: 'subgroups' } as const] : []),
  ];
}

/** Norms within every matmul that they can be within: what uses all weights that any tiling may. */
export function everyNormWithin(plan: Plan): Choices['tilings'] {
  const matmuls = plan.steps.filter((step) => step.op === 'matmul');
  return Object.fromEntries(
    matmuls.map((step) => [workOf(step, plan), { entry: 'staged', threadRows: 8, norm: true }]),
  );
}

const PRODUCTS = ['attention-scores', 'attention-values'];

/** Without what was found to be wrong on this GPU, by `variantName`. */
export function avoiding(choices: Choices, wrong: ReadonlySet<string>): Choices {
  const tilings = Object.entries(choices.tilings).filter(([work, tiling]) => !isWrong(work, tiling, wrong));
  const { storage, products } = choices;
  return {
    ...choices,
    storage: wrong.has('matmul/f16') || wrong.has('head/f16') ? 'f32' : storage,
    tilings: Object.fromEntries(tilings),
    products: products && PRODUCTS.some((kernel) => isWrong(kernel, products, wrong)) ? undefined : products,
  };
}

/** @param work its name, which begins with the kernel's */
export function isWrong(work: string, tiling: Tiling | ProductTiling, wrong: ReadonlySet<string>): boolean {
  const [kernel] = work.split(' ');
  const variants = [tiling.entry, ...('norm' in tiling && tiling.norm ? ['norm'] : [])];
  return variants.some((variant) => wrong.has(variantName({ kernel, variant })!));
}
