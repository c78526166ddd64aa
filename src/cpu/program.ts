/**
 * A plan compiled for the kernels: every step with the addresses of what it reads and writes. Values lie row by row, each row
 * with room for whole panels; what stands there beyond the columns means nothing, and is not read.
 */
import { patchCount, patchFeatures } from '../model/architecture.ts';
import type { Affine, InputName, LearnedQuery, Plan, Starts, Step, StepOf, ValueName } from '../model/plan.ts';
import { rotationTable } from '../model/rotary.ts';
import { ALONE, type Block, type Place, sliceOf, type Work } from './divisible-work.ts';
import { lengthOf, PANEL, panelsOf, type Range } from './panels.ts';
import { columnsOf, everyone, PAIR, type Part, partsOfHeads, partsOfInput, wholeOf } from './parts-of-input.ts';
import { rowsNeeded } from './rows-needed.ts';
import { ACTIVATION_NUMBERS, ENDINGS, type Flag, type Kernels } from './wasm-kernels.ts';
import type { Weights } from './weights.ts';

export interface Program {
  works: Work[];
  /** Addresses of what is given: pixels in f32, ids as they are, ends as rows of all tokens. */
  inputs: Partial<Record<InputName, number>>;
  values: Record<ValueName, Matrix>;
  /** Address of what only a run writes: until then it and what follows is anyone's. */
  free: number;
}

/** A value of the plan, of the whole batch. */
export interface Matrix {
  address: number;
  /** Bytes from one row to the next. */
  stride: number;
  rows: number;
  columns: number;
}

interface Context {
  plan: Plan;
  batch: number;
  kernels: Kernels;
  weights: Weights;
  reserve: Reserve;
  inputs: Program['inputs'];
  place: Place;
  /** What the step reads, if it has an input, and what it writes: the rows that are needed. */
  x: Matrix;
  y: Matrix;
  values: Program['values'];
  /** What of x this member multiplies, of a linear layer that is split by its inputs. */
  parts: Part[] | null;
}

type Compile<Op extends Step['op']> = (step: StepOf<Op>, context: Context) => Work[];

/** Where so many bytes are. */
type Reserve = (bytes: number) => number;

/** What programs are compiled for. */
export interface Machine {
  kernels: Kernels;
  weights: Weights;
  /** In a team. Default alone. */
  place?: Place;
}

/** @param reserve gives room for inputs and values; the weights that are not there yet get theirs from `machine.weights` */
export function compile(plan: Plan, batch: number, machine: Machine, reserve: Reserve): Program {
  const values: Program['values'] = {};
  const inputs: Program['inputs'] = {};
  const context = { place: ALONE, ...machine, plan, batch, reserve, inputs, values };
  for (const [name, count] of Object.entries(plan.inputs)) {
    inputs[name as InputName] = reserve(4 * batch * count);
  }
  const free = reserve(0);
  for (const [name, { rows, columns }] of Object.entries(plan.values)) {
    values[name] = matrix(reserve, batch * rows, columns);
  }
  const rows = rowsNeeded(plan);
  const contexts = plan.steps.map((step, index) => {
    const [read, written] = rows[index];
    const y = rowOfEach(values[step.output], written, batch);
    const x = 'input' in step ? rowOfEach(values[step.input], read, batch) : y;
    return { ...context, x, y, parts: partsOfInput(plan.steps[index - 1], step, x, context.place) };
  });
  const works = plan.steps.flatMap((step, index) => {
    const compiled = (COMPILE[step.op] as Compile<Step['op']>)(step, contexts[index]);
    return contexts[index + 1]?.parts ? compiled.map((work) => ({ ...work, written: undefined })) : compiled;
  });
  return { works, inputs, values, free };
}

const COMPILE: { [Op in Step['op']]: Compile<Op> } = {
  patchify(step, context) {
    const { plan, batch, kernels, inputs, y } = context;
    const perImage = y.rows / batch;
    const patches = patchCount(plan.architecture);
    const unfolded = matrix(context.reserve, patches, patchFeatures(plan.architecture));
    const starts = step.starts === 'given' ? inputs.starts! : step.starts && startsOf(context, step.starts, y);
    return Array.from({ length: batch }, (_, image): Work[] => {
      const to = y.address + image * perImage * y.stride;
      const tokens = { ...y, address: to + (perImage - patches) * y.stride, rows: patches };
      const begin = whole(() => {
        unfold(context, image, unfolded.address);
        if (starts !== null) kernels.copyRows(starts, y.stride, to, y.stride, perImage, y.stride);
      });
      return [
        begin,
        ...linear({ ...context, x: unfolded, y: tokens }, step, { ending: starts === null ? 'store' : 'add' }),
      ];
    }).flat();
  },

  unfold(_, context) {
    const { batch, y } = context;
    return [each(batch, 0, (image) => unfold(context, image, y.address + (image * y.rows * y.stride) / batch))];
  },

  assemble(step, context) {
    const { batch, kernels, x, y } = context;
    const starts = startsOf(context, step.starts, y);
    const [patches, tokens] = [x.rows / batch, y.rows / batch];
    const prefixBytes = (tokens - patches) * y.stride;
    return [
      each(batch, 0, (image) => {
        const to = y.address + image * tokens * y.stride;
        kernels.copyRows(starts, y.stride, to, y.stride, tokens - patches, y.stride);
        const from = x.address + image * patches * x.stride;
        kernels.addRows(from, starts + prefixBytes, (patches * x.stride) / 4, to + prefixBytes);
      }),
    ];
  },

  lookup(step, { plan, kernels, weights, inputs, y }) {
    const floats = y.stride / 4;
    const { vocabulary } = plan.architecture.text!;
    const table = weights.table(step.table, vocabulary, y.columns, floats);
    const tokens = plan.inputs.ids!;
    const position = rowsOf(weights, step.position, tokens, y);
    return [
      whole(() => {
        const isHalf = weights.isHalf ? 1 : 0;
        kernels.gather(table, isHalf, inputs.ids!, y.rows, y.columns, y.stride, position, tokens, y.address);
      }),
    ];
  },

  'layer-norm'(step, { batch, kernels, weights, x, y }) {
    const { others, norm, epsilon, accumulate } = step;
    const [ofFirst, ofOthers] = [step, others ?? step].map((tensors) => normOf(weights, tensors, x.columns));
    const perImage = x.rows / batch;
    const firstOther = others?.first ?? perImage;
    const flags = [norm === 'rms' ? 1 : 0, accumulate ? 1 : 0] as const;
    return [
      slices(x.rows, 8 * x.columns, ({ from, to }) => {
        // From row `at` to where others begin, or end.
        for (let at = from; at < to; ) {
          const row = at % perImage;
          const isOther = row >= firstOther;
          const end = Math.min(to, at - row + (isOther ? perImage : firstOther));
          const [read, write] = [x.address + at * x.stride, y.address + at * y.stride];
          const { weight, bias } = isOther ? ofOthers : ofFirst;
          kernels.layerNorm(read, x.stride, end - at, x.columns, weight, bias, epsilon, ...flags, write, y.stride);
          at = end;
        }
      }),
    ];
  },

  'head-norm'(step, { kernels, weights, x, y }) {
    const { heads, norm, epsilon } = step;
    const headSize = x.columns / 3 / heads;
    const [headBytes, thirdBytes] = [4 * headSize, 4 * heads * headSize];
    const norms = [step.query, step.key].map((tensors) => normOf(weights, tensors, headSize));
    const isRms = norm === 'rms' ? 1 : 0;
    return [
      slices(x.rows, 8 * x.columns, ({ from, to }) => {
        for (let row = from; row < to; row++) {
          const [read, write] = [x.address + row * x.stride, y.address + row * y.stride];
          for (const [part, { weight, bias }] of norms.entries()) {
            const at = part * thirdBytes;
            // biome-ignore format: as the kernel declares them
            kernels.layerNorm(
              read + at, headBytes, heads, headSize, weight, bias, epsilon, isRms, 0, write + at, headBytes,
            );
          }
          kernels.copyRows(read + 2 * thirdBytes, 0, write + 2 * thirdBytes, 0, 1, thirdBytes);
        }
      }),
    ];
  },

  rotate(step, { batch, kernels, weights, y }) {
    const { heads, frequencies, turning, first } = step;
    const { pairs } = turning;
    const { address, stride, rows } = y;
    const perImage = rows / batch;
    const patches = perImage - first;
    const key = `rotation ${frequencies} ${turning.block}`;
    const floats = turning.heads * patches * pairs * 2;
    const table = weights.small(key, [frequencies], floats, ([data]) =>
      Float32Array.from(rotationTable(data, turning)),
    );
    const headStride = turning.heads > 1 ? patches * pairs * 8 : 0;
    return [
      slices(batch * patches, 12 * heads * pairs, ({ from, to }) => {
        for (let at = from; at < to; ) {
          const patch = at % patches;
          const count = Math.min(patches - patch, to - at);
          const row = Math.floor(at / patches) * perImage + first + patch;
          const turns = table + patch * pairs * 8;
          kernels.rotate(address + row * stride, stride, count, heads, pairs, turns, headStride);
          at += count;
        }
      }),
    ];
  },

  matmul(step, context) {
    const { activation, gamma } = step;
    if (activation !== 'swiglu') return linear(context, step, { activation: activation ?? 'none', gamma });
    // Each multiplies what is its own already.
    const [gated] = linear(context, step, { activation: 'silu' });
    return [
      { ...gated, written: undefined },
      ...linear(context, step, { first: context.y.columns, ending: 'multiply' }),
    ];
  },

  attention(step, { batch, kernels, weights, place, x, y }) {
    const { heads, query } = step;
    const tokens = x.rows / batch;
    const headSize = y.columns / heads;
    const columns = roundUp(tokens);
    const skipped = query?.first ?? 0;
    // K and V stand behind Q, where each image has its own.
    const k = query ? 0 : 1;
    const queries = y.rows / batch;
    const latent = query && latentQuery(weights, query, y.columns);
    const scoring = scoringOf(weights, step);
    const perHead = batch * queries;
    const own = sliceOf(heads * perHead, place.member, place.members);
    const work = slices(lengthOf(own), 4 * tokens * headSize, ({ from, to }, scratch) => {
      const asked = { from: own.from + from, to: own.from + to };
      for (const { image, head, first, count } of headQueries(asked, perHead, queries)) {
        const row = x.address + (image * tokens + skipped) * x.stride;
        const part = (index: number) => row + (index * heads + head) * headSize * 4;
        const q = latent === null ? part(0) + first * x.stride : latent + head * headSize * 4;
        // biome-ignore format: as the kernel declares them
        kernels.attention(
          q, x.stride, first, count, part(k), part(k + 1), x.stride, tokens - skipped, headSize, ...scoring(head),
          y.address + (image * queries + first) * y.stride + head * headSize * 4, y.stride, scratch,
        );
      }
    });
    work.scratch = 4 * (columns * headSize + tokens * roundUp(headSize) + QUERIES * (columns + PANEL));
    const written = everyone(place).map((each) => partsOfHeads(y, heads, each).map((part) => blockOf(y, part)));
    return [{ ...work, written }];
  },

  'attention-scores'(step, { batch, kernels, weights, x, y }) {
    const { heads } = step;
    const tokens = x.rows / batch;
    const headSize = x.columns / 3 / heads;
    const scoring = scoringOf(weights, step);
    const work = each(batch * heads, 2 * tokens * tokens * headSize, (head, scratch) => {
      const [image, h] = [Math.floor(head / heads), head % heads];
      const q = x.address + image * tokens * x.stride + h * headSize * 4;
      kernels.packKeys(q + heads * headSize * 4, x.stride, tokens, headSize, scratch);
      const to = y.address + head * tokens * y.stride;
      kernels.attentionScores(q, x.stride, 0, tokens, scratch, tokens, headSize, ...scoring(h), to);
    });
    work.scratch = 4 * roundUp(tokens) * headSize;
    return [work];
  },

  'attention-values'(step, { batch, kernels, values, x, y }) {
    const { heads } = step;
    const weights = values[step.weights];
    const tokens = x.rows / batch;
    const headSize = y.columns / heads;
    const valuesLength = tokens * roundUp(headSize);
    const work = each(batch * heads, 2 * tokens * tokens * headSize, (head, scratch) => {
      const [image, h] = [Math.floor(head / heads), head % heads];
      const v = x.address + image * tokens * x.stride + (2 * heads + h) * headSize * 4;
      kernels.packValues(v, x.stride, tokens, headSize, scratch);
      const from = weights.address + head * tokens * weights.stride;
      const to = y.address + image * tokens * y.stride + h * headSize * 4;
      kernels.attentionValues(from, tokens, scratch, tokens, headSize, to, y.stride, scratch + 4 * valuesLength);
    });
    work.scratch = 4 * (valuesLength + tokens * PANEL);
    return [work];
  },

  mean(step, { batch, kernels, x, y }) {
    const perImage = x.rows / batch;
    return [
      each(batch, step.count * x.columns, (image) => {
        const from = x.address + (image * perImage + step.first) * x.stride;
        const to = y.address + image * y.stride + 4 * step.part * x.columns;
        kernels.mean(from, x.stride, step.count, x.columns, to);
        if (step.largest) kernels.halfwayToLargest(from, x.stride, step.count, x.columns, to);
      }),
    ];
  },

  pick(_, { kernels, inputs, x, y }) {
    return [whole(() => kernels.gather(x.address, 0, inputs.ends!, y.rows, x.columns, x.stride, 0, 0, y.address))];
  },

  head(step, context) {
    return linear(context, step, { share: step.share });
  },

  'unit-length'(_, { kernels, x, y }) {
    return [whole(() => kernels.unitLength(x.address, y.address, x.stride, x.rows, x.columns))];
  },

  softmax(_, { kernels, x, y }) {
    return [
      slices(x.rows, 20 * x.columns, ({ from, to }) => {
        const at = from * x.stride;
        kernels.softmax(x.address + at, y.address + at, x.stride, to - from, x.columns);
      }),
    ];
  },

  copy(_, { kernels, x, y }) {
    return [whole(() => kernels.copyRows(x.address, x.stride, y.address, y.stride, x.rows, x.stride))];
  },
};

/** Writes the patches of an image as rows of their own. */
function unfold({ plan, kernels, inputs }: Context, image: number, to: number): void {
  const { channels, imageSize, patchSize } = plan.architecture;
  const pixels = inputs.pixels! + 4 * image * plan.inputs.pixels!;
  const stride = 4 * roundUp(patchFeatures(plan.architecture));
  kernels.unfold(pixels, channels, ...imageSize, ...patchSize, to, stride);
}

/** Queries of one head, one after the other. */
interface HeadQueries {
  image: number;
  head: number;
  first: number;
  count: number;
}

/** @param range of all queries of an image, all images of a head, all heads */
function* headQueries({ from, to }: Range, perHead: number, queries: number): Generator<HeadQueries> {
  for (let at = from; at < to; ) {
    const first = at % queries;
    const count = Math.min(queries - first, to - at);
    yield { image: Math.floor((at % perHead) / queries), head: Math.floor(at / perHead), first, count };
    at += count;
  }
}

/** Queries of attention at a time, as wasm/attention.ts has them. */
const QUERIES = 24;

interface LinearOptions {
  /** Of the rows of the weight. Default 0. */
  first?: number;
  activation?: keyof typeof ACTIVATION_NUMBERS;
  gamma?: string | null;
  /** Default what the step says. */
  ending?: keyof typeof ENDINGS;
  /** What the products and the bias are multiplied by. */
  share?: number;
}

/**
 * A linear layer, of which a member of a team holds some of the weights: those of its outputs or, where it has a part of the inputs, of
 * these. Then what is there once, bias and residual, comes from the first.
 */
function linear(
  { kernels, weights, place, parts, x, y }: Context,
  step: Affine & { accumulate?: boolean },
  { first = 0, activation = 'none', gamma, ending, share = 1 }: LinearOptions = {},
): Work[] {
  const all = wholeOf(y);
  const shares = everyone(place).map((each) => (parts ? all : { ...all, columns: columnsOf(y, each) }));
  const own = shares[place.member].columns;
  const outputs = { from: first + own.from, to: first + own.to };
  const factors = gamma ? vector(weights, gamma, outputs) : 0;
  const panels = panelsOf(lengthOf(own));
  const works = (parts ?? [wholeOf(x)]).map(({ rows, columns }, index): Work => {
    const isFirst = !parts || place.member + index === 0;
    const weight = weights.matrix(step.weight, { inputs: x.columns, rows: outputs, columns }, share);
    const bias = isFirst && step.bias ? vector(weights, step.bias, outputs, share) : 0;
    const isAdded = isFirst ? step.accumulate : index > 0;
    const { bits, group } = weight;
    const [count, inputs] = [lengthOf(rows), lengthOf(columns)];
    const panelBytes = inputs * bits;
    const scaleBytes = (inputs / group) * PANEL * 4;
    const read = x.address + rows.from * x.stride + columns.from * 4;
    const write = y.address + rows.from * y.stride + own.from * 4;
    const work = slices(Math.ceil(panels / PAIR), 2 * count * inputs * PANEL * PAIR, (slice, scratch) => {
      const from = PAIR * slice.from;
      const at = from * PANEL * 4;
      // biome-ignore format: as the kernel declares them
      kernels.matmul(
        read, x.stride, count, inputs, weight.address + from * panelBytes, bits, weight.scales + from * scaleBytes, group,
        Math.min(PAIR * slice.to, panels) - from, bias && bias + at, factors && factors + at,
        ACTIVATION_NUMBERS[activation], ENDINGS[ending ?? (isAdded ? 'add' : 'store')], write + at, y.stride, scratch,
      );
    });
    work.scratch = 4 * PANEL * (2 * count + (bits < 32 ? inputs : 0));
    return work;
  });
  const written = shares.map((share) => [blockOf(y, share)]);
  return [...works.slice(0, -1), { ...works.at(-1)!, written, isSum: Boolean(parts) }];
}

function blockOf({ address, stride }: Matrix, { rows, columns }: Part): Block {
  return {
    address: address + rows.from * stride + columns.from * 4,
    stride,
    rows: lengthOf(rows),
    bytes: 4 * lengthOf(columns),
  };
}

/** @param flops of each of `count` things @param run a slice of them */
function slices(
  count: number,
  flops: number,
  run: (slice: Range, scratch: number) => void,
): Work & { scratch: number } {
  return {
    flops: count * flops,
    most: count,
    scratch: 0,
    run: (part, parts, scratch) => run(sliceOf(count, part, parts), scratch),
  };
}

function each(count: number, flops: number, run: (index: number, scratch: number) => void) {
  return slices(count, flops, ({ from, to }, scratch) => {
    for (let index = from; index < to; index++) run(index, scratch);
  });
}

function whole(run: () => void) {
  return slices(1, 0, ({ from, to }) => {
    if (to > from) run();
  });
}

function matrix(reserve: Reserve, rows: number, columns: number): Matrix {
  const stride = 4 * roundUp(columns);
  return { address: reserve(rows * stride), stride, rows, columns };
}

/** One row of each item, or the whole matrix. */
function rowOfEach(whole: Matrix, row: number | null, batch: number): Matrix {
  if (row === null) return whole;
  const { address, stride, rows, columns } = whole;
  return { address: address + row * stride, stride: (stride * rows) / batch, rows: batch, columns };
}

function roundUp(columns: number): number {
  return Math.ceil(columns / PANEL) * PANEL;
}

/** Some elements of a tensor, with room for whole panels. */
function vector(weights: Weights, tensor: string, { from, to }: Range, factor = 1): number {
  return weights.small(`vector ${[tensor, from, to, factor]}`, [tensor], roundUp(to - from), ([data]) =>
    data.slice(from, to).map((value) => value * factor),
  );
}

/** A tensor of `count` rows, as those of `like` lie. */
function rowsOf(weights: Weights, tensor: string, count: number, { columns, stride }: Matrix): number {
  const floats = stride / 4;
  return weights.small(`rows ${tensor}`, [tensor], count * floats, ([data]) => spread(data, columns, floats));
}

/** Rows of `columns` each, `stride` apart. */
export function spread(data: Float32Array, columns: number, stride: number): Float32Array {
  const rows = data.length / columns;
  const result = new Float32Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    result.set(data.subarray(row * columns, (row + 1) * columns), row * stride);
  }
  return result;
}

/** What tokens are before pixels are added, as the rows of `tokens` lie. */
function startsOf({ weights }: Context, starts: Starts, { columns, stride }: Matrix): number {
  const { prefix, position, positionPrefix, tokens } = starts;
  const floats = stride / 4;
  const tensors = position === null ? prefix : [...prefix, position];
  return weights.small(`starts ${tensors}`, tensors, tokens * floats, (data) => {
    const result = new Float32Array(tokens * floats);
    const prefixes = data.slice(0, prefix.length).map((token) => spread(token, columns, floats));
    let at = 0;
    for (const token of prefixes) {
      result.set(token, at);
      at += token.length;
    }
    if (position === null) return result;
    const positions = spread(data[prefix.length], columns, floats);
    const split = positionPrefix * floats;
    for (let i = 0; i < split; i++) result[i] += positions[i];
    // Behind the prefix the patches, which have nothing but their positions.
    result.set(positions.subarray(split), at);
    return result;
  });
}

/** Addresses of the weight and bias of a norm; RMSNorm has zeros for a bias. */
function normOf(weights: Weights, { weight, bias }: Affine, columns: number): { weight: number; bias: number } {
  const all = { from: 0, to: columns };
  const zeros = () => weights.small(`zeros ${columns}`, [], roundUp(columns), () => new Float32Array(columns));
  return { weight: vector(weights, weight, all), bias: bias === null ? zeros() : vector(weights, bias, all) };
}

/** The latent query, or a linear layer of it, in float64: in every image the same. */
function latentQuery(weights: Weights, { latent, projection }: LearnedQuery, width: number): number {
  if (!projection) return vector(weights, latent, { from: 0, to: width });
  const tensors = [latent, projection.weight, projection.bias];
  return weights.small(`query ${tensors}`, tensors, roundUp(width), ([x, w, b]) =>
    Float32Array.from({ length: width }, (_, output) => {
      let sum = b[output];
      for (let i = 0; i < width; i++) sum += x[i] * w[output * width + i];
      return sum;
    }),
  );
}

/** What a kernel takes for the scores of a head. */
type Scoring = [scale: number, causal: Flag, bias: number, gridRows: number, gridColumns: number];

/** Biases lie head by head and backwards, as wasm/attention-scores.ts reads them. */
function scoringOf(
  weights: Weights,
  { heads, scale, causal, relative }: StepOf<'attention' | 'attention-scores'>,
): (head: number) => Scoring {
  const ofAll: [number, Flag] = [scale, causal ? 1 : 0];
  if (!relative) return () => [...ofAll, 0, 0, 0];
  const [rows, columns] = relative.grid;
  const differences = (2 * rows - 1) * (2 * columns - 1);
  const perHead = differences + 3;
  const address = weights.small(`relative ${relative.table}`, [relative.table], heads * perHead, ([data]) =>
    Float32Array.from({ length: heads * perHead }, (_, i) => {
      const [head, at] = [Math.floor(i / perHead), i % perHead];
      return data[(at < differences ? differences - 1 - at : at) * heads + head];
    }),
  );
  return (head) => [...ofAll, address + head * perHead * 4, rows, columns];
}
