/**
 * Which of a kernel's variants may be the fastest, by the shape of the work: those that tuning tries.
 */
import type { Capabilities } from '../../gpu/capabilities.ts';
import { type AttentionTiling, attentionVariants } from '../../kernels/attention.ts';
import { type MatmulTiling, matmulVariants, PANEL, ROW_TILE, type WeightStorage } from '../../kernels/matmul.ts';
import type { Plan, StepOf } from '../../model/plan.ts';
import type { FusedTiling } from '../choose/kernel-config.ts';

/** Rows from which on tiles of twice as many rows are enough to keep a GPU busy. */
const MANY_ROWS = 512;
/** Threads of `direct` below which a GPU is not kept busy: some 200 for each of its cores. */
const FEW_THREADS = 8192;

/** Of attention: all that there are, two or three. */
export function attentionCandidates(
  step: StepOf<'attention'>,
  { values }: Plan,
  capabilities: Capabilities,
): AttentionTiling[] {
  return attentionVariants({ headSize: values[step.output].columns / step.heads }, capabilities);
}

/**
 * Of a matmul: three to five, best known first.
 * @param batch how many images there will be @param norm whether one is before it and could be within
 */
export function matmulCandidates(
  step: StepOf<'matmul'>,
  { values }: Plan,
  { batch, norm, storage }: { batch: number; norm: boolean; storage: WeightStorage },
  capabilities: Capabilities,
): FusedTiling[] {
  const { rows, columns: outputs } = values[step.output];
  // Whole groups are padded to a multiple of 4.
  const { columns, groups } = values[step.input];
  const inputs = groups * 4 * Math.ceil(columns / groups / 4);
  const allRows = batch * rows;
  const isNarrow = (allRows / ROW_TILE) * (outputs / PANEL) < FEW_THREADS;
  const threadRows = allRows < MANY_ROWS ? 4 : 8;
  const variants = matmulVariants({ inputs, storage }, capabilities);
  const has = (entry: MatmulTiling['entry']) => variants.some((variant) => variant.entry === entry);
  const splits = isNarrow
    ? [4, 2].find((splits) => variants.some((v) => v.entry === 'split' && v.splits === splits))
    : 0;
  const fits = (variant: MatmulTiling): boolean => {
    switch (variant.entry) {
      case 'direct':
      case 'matrix':
        return true;
      case 'split':
        return variant.splits === splits;
      case 'staged':
        return variant.threadRows === threadRows;
      // Who has matrices has no use for quads, nor for products of f16 without them.
      case 'subgroups':
      case 'half':
        return !has('matrix') && (variant.entry === 'half' || !has('half'));
    }
  };
  const plain = variants.filter(fits);
  return norm ? [...plain, { entry: 'staged', threadRows, norm: true }] : plain;
}
