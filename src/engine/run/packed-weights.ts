/**
 * Weights of a program: buffers made from tensors of the model. Pure data.
 */
import { type ColumnLayout, packVector } from '../../gpu/columns.ts';
import { packStarts } from '../../kernels/assemble.ts';
import { packBiasTable } from '../../kernels/attention.ts';
import {
  type FewBits,
  PANEL,
  packedLength,
  placeWeight,
  scaleWeight,
  type WeightStorage,
} from '../../kernels/matmul.ts';
import type { Affine, Starts } from '../../model/plan.ts';

/** A buffer made from one or more tensors of the model. */
export type Weight = SmallWeight | LargeWeight;

interface WeightBase {
  /** Weights with the same key are the same, also in different programs. */
  key: string;
  /** Numbers in the buffer. */
  floats: number;
}

/** Made from whole tensors, which wait for each other. */
export interface SmallWeight extends WeightBase {
  tensors: string[];
  /** @param data of `tensors`, in their order */
  pack(data: ArrayLike<number>[]): Float32Array<ArrayBuffer>;
}

/** Made from one tensor piece by piece, so that it is never held whole. */
export interface LargeWeight extends WeightBase {
  tensor: string;
  /** Of its elements on the GPU. Default `'f32'`. */
  storage?: WeightStorage;
  /** Where they stay in few bits: then it is codes that are placed, and `scale` is for their scales. */
  few?: FewBits | null;
  /** Puts the piece from element `first` on into zeros. */
  place(packed: Float32Array, piece: ArrayLike<number>, first: number): void;
  /** What is done to what was placed, from another tensor, which is small: a factor for each row of the tensor. */
  scale?: { tensor: string; apply(packed: Float32Array, factors: Float32Array): void };
  /**
   * Where some rows of the tensor fill some floats of the buffer by themselves, and the next ones the next: then no more
   * than a stretch is held. `place` and `scale.apply` take a stretch for the whole.
   */
  stretch?: Stretch;
}

export interface Stretch {
  /** Of the tensor. */
  rows: number;
  elements: number;
  /** Of the buffer. */
  floats: number;
}

/** Floats of a stretch at most, unless one row, or one panel of them, has more. */
const STRETCH = 1 << 18;

/** @param step rows that come one after the other, with `elements` in the tensor and `floats` in the buffer */
export function stretchOf(step: Stretch): Stretch {
  const times = Math.max(1, Math.floor(STRETCH / step.floats));
  return { rows: step.rows * times, elements: step.elements * times, floats: step.floats * times };
}

/**
 * The matrix of a linear layer. A layer scale `gamma` is multiplied in, so that it costs nothing at run time: the logits of
 * DINOv2, DeiT-3 and BEiT differ from PyTorch's by 2e-7 to 5e-7 that way, as those of models without layer scale do.
 *
 * @param share what every element is multiplied by: a power of two costs no digits
 */
export function matrix(
  tensor: string,
  inputs: ColumnLayout,
  outputs: ColumnLayout,
  { gamma = null, share = 1, storage = 'f32', few }: Scales & Pick<LargeWeight, 'storage' | 'few'> = {},
): LargeWeight {
  const weight: LargeWeight = {
    key: `matrix ${tensor}`,
    floats: packedLength(inputs, outputs),
    tensor,
    storage,
    few,
    place: (packed, piece, first) => placeWeight(packed, scaled(piece, share), first, inputs, outputs),
  };
  if (gamma) {
    weight.scale = { tensor: gamma, apply: (packed, factors) => scaleWeight(packed, factors, inputs, outputs) };
  }
  if (isDense(outputs)) {
    weight.stretch = stretchOf({ rows: PANEL, elements: PANEL * inputs.count, floats: PANEL * inputs.stride });
  }
  return weight;
}

/** A bias. */
export function vector(tensor: string, columns: ColumnLayout, { gamma = null, share = 1 }: Scales = {}): SmallWeight {
  return {
    key: `vector ${tensor}`,
    floats: columns.stride,
    tensors: gamma ? [tensor, gamma] : [tensor],
    pack([data, factors]) {
      const values = scaled(data, share);
      return packVector(factors ? Float32Array.from(values, (value, i) => value * factors[i]) : values, columns);
    },
  };
}

/** Of each norm weight and bias, which is zero where there is none, one after the other. */
export function affineOf(norms: readonly Affine[], columns: ColumnLayout): SmallWeight {
  const { stride } = columns;
  const places = norms.flatMap(({ weight, bias }) => [weight, bias]);
  const tensors = places.filter((name) => name !== null);
  const floats = places.length * stride;
  return {
    key: `affine ${tensors}`,
    floats,
    tensors,
    pack(data) {
      const packed = new Float32Array(floats);
      let next = 0;
      for (const [i, name] of places.entries()) {
        if (name !== null) packed.set(packVector(data[next++], columns), i * stride);
      }
      return packed;
    },
  };
}

/** Zeros, for a kernel that wants a bias where the model has none. */
export function zeros(stride: number): SmallWeight {
  return { key: `zeros ${stride}`, floats: stride, tensors: [], pack: () => new Float32Array(stride) };
}

/** What tokens start as: prefix tokens, positions, and the bias of what makes tokens of patches. */
export function startsOf(
  starts: Starts | null,
  bias: string | null,
  tokens: number,
  { count: width, stride }: ColumnLayout,
): SmallWeight {
  const { prefix, position, positionPrefix } = starts ?? { prefix: [], position: null, positionPrefix: 0 };
  const tensors = [...prefix, ...(position ? [position] : []), ...(bias ? [bias] : [])];
  const pack = (data: ArrayLike<number>[]) => {
    const rest = data.slice(prefix.length);
    const parts = {
      prefix: data.slice(0, prefix.length),
      position: position ? rest.shift()! : null,
      bias: bias ? rest.shift()! : null,
    };
    return packStarts(parts, { tokens, positionPrefix, width });
  };
  return { key: `starts ${tensors}`, tensors, floats: tokens * stride, pack };
}

/** Biases by relative position, `[biases, heads]`. */
export function tableOf(table: string, shapes: ReadonlyMap<string, readonly number[]>): SmallWeight {
  const [biases, heads] = shapes.get(table)!;
  return {
    key: `table ${table}`,
    tensors: [table],
    floats: biases * heads,
    pack: ([data]) => packBiasTable(data, heads),
  };
}

/** Whether nothing but the end is padded. */
function isDense(columns: ColumnLayout): boolean {
  for (let i = 0; i < columns.count; i++) if (columns.at(i) !== i) return false;
  return true;
}

interface Scales {
  /** A tensor with a factor for each output. */
  gamma?: string | null;
  share?: number;
}

function scaled(values: ArrayLike<number>, share: number): ArrayLike<number> {
  return share === 1 ? values : Float32Array.from(values, (value) => value * share);
}
