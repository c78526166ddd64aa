/**
 * Which variant of each kernel runs, where there is more than one. Whatever is chosen, it computes the same.
 */

import type { ColumnLayout } from '../../gpu/columns.ts';
import { variantName } from '../../gpu/kernel.ts';
import type { AttentionTiling } from '../../kernels/attention.ts';
import type { LayerNormTiling } from '../../kernels/layer-norm.ts';
import { DIRECT, type FewBits, type MatmulTiling, type WeightStorage } from '../../kernels/matmul.ts';
import type { OptionalShaders } from '../../kernels/optional-shaders.ts';
import type { ProductTiling } from '../../kernels/product-tiling.ts';
import type { Plan, Step, StepOf } from '../../model/plan.ts';

export interface KernelConfig extends Tilings {
  /** Of the matrices of linear layers. */
  storage: WeightStorage;
  /** What stays in the few bits of its files. Default nothing. */
  few?: WeightsOfFewBits;
  /** Of attention whose scores are stored; null where no GPU asks for that. */
  products: ProductTiling | null;
  /** Of norms that are not within a matmul. Default that of the kernel. */
  norms?: LayerNormTiling;
  /** What all variants but the simplest are made of. */
  shaders: OptionalShaders;
}

/** What the annex `few-bits` brings, and which tensors are of it. */
export interface WeightsOfFewBits {
  shaders: OptionalShaders;
  bitsOf(tensor: string): 8 | 4 | undefined;
  fewBits(bits: 8 | 4, inputs: ColumnLayout, outputs: ColumnLayout): FewBits | null;
}

/** Of steps by their shape; `direct` where there is none. What tuning finds, and all of it that is kept. */
export interface Tilings {
  matmul: Readonly<Record<MatmulKey, FusedTiling>>;
  attention: Readonly<Record<AttentionKey, AttentionTiling>>;
}

/** `norm`: the LayerNorm before it within the same dispatch, where nothing else reads what that one writes. */
export type FusedTiling = MatmulTiling & { norm?: true };

/** Steps of one key are the same work wherever they stand in a plan. */
export type MatmulKey = `${number}x${number} ${MatmulStep['activation']}${'' | ' added'}`;
export type AttentionKey = `${number}x${number}x${number}`;

type MatmulStep = StepOf<'matmul'>;
type AttentionStep = StepOf<'attention'>;

/** A step that there is more than one way to do. */
export type TunableStep = MatmulStep | AttentionStep;

/** By `variantName`. */
export type DisabledVariants = ReadonlySet<string>;

/** Right everywhere. */
export const BASELINE: KernelConfig = { storage: 'f32', matmul: {}, attention: {}, products: null, shaders: {} };

export function isTunable(step: Step): step is TunableStep {
  return step.op === 'matmul' || (step.op === 'attention' && step.query === null);
}

/** Inputs, outputs, and what becomes of the product. */
export function matmulKey({ input, output, activation, accumulate }: MatmulStep, { values }: Plan): MatmulKey {
  return `${values[input].columns}x${values[output].columns} ${activation}${accumulate ? ' added' : ''}`;
}

/** Tokens, heads, and columns of a head. */
export function attentionKey({ output, heads }: AttentionStep, { values }: Plan): AttentionKey {
  const { rows, columns } = values[output];
  return `${rows}x${heads}x${columns / heads}`;
}

export function matmulTiling(step: MatmulStep, plan: Plan, { matmul }: KernelConfig): FusedTiling {
  return matmul[matmulKey(step, plan)] ?? DIRECT;
}

export function attentionTiling(step: AttentionStep, plan: Plan, { attention }: KernelConfig): AttentionTiling {
  return (isTunable(step) && attention[attentionKey(step, plan)]) || { entry: 'direct' };
}

/** `config` with simpler kernels for what is disabled. */
export function withoutDisabled(config: KernelConfig, disabled: DisabledVariants): KernelConfig {
  const { matmul, attention, products } = config;
  const storage = F16_VARIANTS.some((name) => disabled.has(name)) ? 'f32' : config.storage;
  // What multiplies in f16 is no way to multiply f32.
  const lost = storage === config.storage ? disabled : new Set([...disabled, 'matmul/half', 'matmul/matrix']);
  const keep = <T extends FusedTiling | AttentionTiling>(kernel: string, tilings: Record<string, T>) =>
    Object.fromEntries(Object.entries(tilings).filter(([, tiling]) => !isDisabled(kernel, tiling, lost)));
  const noProducts = PRODUCTS.some((kernel) => products && isDisabled(kernel, products, disabled));
  return {
    ...config,
    storage,
    few: disabled.has('matmul/few') ? undefined : config.few,
    matmul: keep('matmul', matmul),
    attention: keep('attention', attention),
    products: noProducts ? null : products,
  };
}

const PRODUCTS = ['attention-scores', 'attention-values'];
/** What has a weight of f16, by `variantName`. */
export const F16_VARIANTS = ['matmul/f16', 'head/f16'];

export function isDisabled(
  kernel: string,
  tiling: FusedTiling | AttentionTiling | ProductTiling,
  disabled: DisabledVariants,
): boolean {
  const variants = [tiling.entry, ...('norm' in tiling ? ['norm'] : [])];
  return variants.some((variant) => disabled.has(variantName({ kernel, variant })!));
}
