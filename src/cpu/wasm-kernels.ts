/**
 * The kernels of wasm/, as TypeScript sees them. Addresses and strides are bytes; sizes count floats. What each computes and
 * how its operands lie is said at the top of its file.
 */
import type { Activation } from '../model/layers.ts';

/** What a linear layer ends in, by the numbers of wasm/activation.ts. */
export const ACTIVATION_NUMBERS: Record<Activation | 'tanh' | 'silu' | 'none', number> = {
  none: 0,
  gelu: 1,
  gelu_tanh: 2,
  quick_gelu: 3,
  relu: 4,
  tanh: 5,
  silu: 6,
};

/** What becomes of what a linear layer computes, by the numbers of wasm/matmul.ts. */
export const ENDINGS = { store: 0, add: 1, multiply: 2 } as const;

/** The numbers of a flag. */
export type Flag = 0 | 1;

export interface Kernels {
  addRows(a: number, b: number, floats: number, y: number): void;
  attention(
    q: number,
    qStride: number,
    firstQuery: number,
    queries: number,
    k: number,
    v: number,
    stride: number,
    keys: number,
    headSize: number,
    scale: number,
    causal: Flag,
    bias: number,
    gridRows: number,
    gridColumns: number,
    y: number,
    yStride: number,
    scratch: number,
  ): void;
  attentionScores(
    q: number,
    stride: number,
    firstQuery: number,
    queries: number,
    packedKeys: number,
    keys: number,
    headSize: number,
    scale: number,
    causal: Flag,
    bias: number,
    gridRows: number,
    gridColumns: number,
    scores: number,
  ): void;
  attentionValues(
    weights: number,
    queries: number,
    packedValues: number,
    keys: number,
    headSize: number,
    y: number,
    yStride: number,
    column: number,
  ): void;
  copyRows(from: number, fromStride: number, to: number, toStride: number, rows: number, bytes: number): void;
  gather(
    x: number,
    isHalf: Flag,
    indices: number,
    count: number,
    columns: number,
    stride: number,
    added: number,
    addedRows: number,
    y: number,
  ): void;
  halfwayToLargest(x: number, stride: number, count: number, columns: number, y: number): void;
  layerNorm(
    x: number,
    xStride: number,
    rows: number,
    columns: number,
    weight: number,
    bias: number,
    epsilon: number,
    rms: Flag,
    accumulate: Flag,
    y: number,
    yStride: number,
  ): void;
  matmul(
    x: number,
    xStride: number,
    rows: number,
    inputs: number,
    weight: number,
    bits: 32 | 16 | 8 | 4,
    scales: number,
    group: number,
    panels: number,
    bias: number,
    gamma: number,
    activation: number,
    ending: number,
    y: number,
    yStride: number,
    scratch: number,
  ): void;
  mean(x: number, stride: number, count: number, columns: number, y: number): void;
  packKeys(k: number, stride: number, keys: number, headSize: number, packed: number): void;
  packValues(v: number, stride: number, keys: number, headSize: number, packed: number): void;
  resize(
    x: number,
    xLine: number,
    xPixel: number,
    lines: number,
    bounds: number,
    pairs: number,
    taps: number,
    count: number,
    y: number,
    yLine: number,
    yPixel: number,
  ): void;
  rotate(
    qkv: number,
    stride: number,
    rows: number,
    heads: number,
    pairs: number,
    table: number,
    headStride: number,
  ): void;
  softmax(x: number, y: number, stride: number, rows: number, columns: number): void;
  unfold(
    pixels: number,
    channels: number,
    height: number,
    width: number,
    patchHeight: number,
    patchWidth: number,
    y: number,
    yStride: number,
  ): void;
  unitLength(x: number, y: number, stride: number, rows: number, columns: number): void;
}

export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Kernels> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  return exports as unknown as Kernels;
}
