/**
 * Attention as ONNX nodes: scores, softmax and mixing one by one. Shapes are `[batch, heads, tokens, head size]` and
 * `[batch, heads, queries, keys]`.
 */
import type { RelativeBias, StepOf } from '../../model/steps.ts';
import { relativeIndex } from '../../reference/attention-scores.ts';
import type { Exporter } from './exporter.ts';

/** Columns of `parts * heads` heads side by side to `parts` tensors. */
export function splitHeads(exporter: Exporter, label: string, input: string, heads: number, parts: number): string[] {
  const { graph, plan } = exporter;
  const { rows: tokens, columns } = plan.values[input];
  const shape = graph.integers(0, tokens, parts * heads, columns / parts / heads);
  const split = graph.node(`${label}/split`, 'Reshape', [exporter.value(input), shape]);
  const byHead = graph.node(`${label}/by-head`, 'Transpose', [split], { perm: [0, 2, 1, 3] });
  const sizes = graph.integers(...new Array<number>(parts).fill(heads));
  return graph.nodeWithOutputs(`${label}/parts`, 'Split', [byHead, sizes], parts, { axis: 1 });
}

/** The query that is the same in every image: a learned latent, or a linear layer of it. */
export function learnedQuery(exporter: Exporter, { label, heads, query }: StepOf<'attention'>): string {
  const { graph } = exporter;
  const { latent, projection } = query!;
  const width = exporter.shape(latent)[2];
  let q = exporter.tensor(latent);
  if (projection) {
    q = graph.node(`${label}/query/matmul`, 'MatMul', [q, exporter.transposed(projection.weight)]);
    q = graph.node(`${label}/query/bias`, 'Add', [exporter.tensor(projection.bias), q]);
  }
  const split = graph.node(`${label}/query/split`, 'Reshape', [q, graph.integers(1, 1, heads, width / heads)]);
  return graph.node(`${label}/query`, 'Transpose', [split], { perm: [0, 2, 1, 3] });
}

/** Nothing for tokens from `first` on, -Infinity for those before. */
function frontMask({ graph }: Exporter, tokens: number, first: number): string {
  return graph.constant(`from:${first}:${tokens}`, () => ({
    shape: [tokens],
    data: Float32Array.from({ length: tokens }, (_, i) => (i < first ? -Infinity : 0)),
  }));
}

/** (q · k) scale + relative bias, -Infinity where a token may not look. */
export function scores(
  exporter: Exporter,
  { label, heads, scale, causal, relative, input }: StepOf<'attention' | 'attention-scores'>,
  q: string,
  k: string,
  first = 0,
): string {
  const { graph, plan } = exporter;
  const tokens = plan.values[input].rows;
  const scaled = graph.node(`${label}/scaled`, 'Mul', [q, graph.scalar(scale)]);
  const keys = graph.node(`${label}/keys`, 'Transpose', [k], { perm: [0, 1, 3, 2] });
  let result = graph.node(`${label}/scores`, 'MatMul', [scaled, keys]);
  if (relative) {
    const bias = relativeBias(exporter, relative, heads, tokens);
    result = graph.node(`${label}/scores/relative`, 'Add', [result, bias]);
  }
  if (first > 0) {
    result = graph.node(`${label}/scores/first`, 'Add', [result, frontMask(exporter, tokens, first)]);
  }
  if (causal) result = graph.node(`${label}/scores/causal`, 'Add', [result, causalMask(exporter, tokens)]);
  return result;
}

/** Weights times v, with the heads side by side again: one row per query, or where there is only one no rows at all. */
export function mix(exporter: Exporter, label: string, output: string, weights: string, v: string): string {
  const { graph, plan } = exporter;
  const { rows, columns } = plan.values[output];
  const mixed = graph.node(`${label}/mixed`, 'MatMul', [weights, v]);
  const byToken = graph.node(`${label}/by-token`, 'Transpose', [mixed], { perm: [0, 2, 1, 3] });
  const shape = rows > 1 ? graph.integers(0, rows, columns) : graph.integers(0, columns);
  return graph.node(label, 'Reshape', [byToken, shape]);
}

/** The table spread out: `[1, heads, queries, keys]`. */
function relativeBias(exporter: Exporter, { table, grid }: RelativeBias, heads: number, tokens: number): string {
  return exporter.graph.constant(`${table}/spread`, () => {
    const biases = exporter.data(table);
    const data = new Float32Array(heads * tokens * tokens);
    for (let query = 0; query < tokens; query++) {
      for (let key = 0; key < tokens; key++) {
        const row = relativeIndex(query, key, grid) * heads;
        for (let head = 0; head < heads; head++) data[(head * tokens + query) * tokens + key] = biases[row + head];
      }
    }
    return { shape: [1, heads, tokens, tokens], data };
  });
}

function causalMask({ graph }: Exporter, tokens: number): string {
  return graph.constant(`causal:${tokens}`, () => ({
    shape: [tokens, tokens],
    data: Float32Array.from({ length: tokens * tokens }, (_, i) =>
      i % tokens > Math.floor(i / tokens) ? -Infinity : 0,
    ),
  }));
}
