/**
 * Matrix products alone, in this page: this library's kernel and jax-js, in turn, on the shapes of ViT-Ti and ViT-B.
 * jax-js has no ViT to run, but it generates matmul kernels of its own.
 */
import { Columns } from '../src/gpu/columns.ts';
import { Gpu } from '../src/gpu/device.ts';
import { roundUp } from '../src/gpu/kernel.ts';
import { Pipelines } from '../src/gpu/pipelines.ts';
import { ALL_SHADERS } from '../src/kernels/all-shaders.ts';
import { DIRECT, type MatmulTiling, matmul, packWeight, ROW_TILE } from '../src/kernels/matmul.ts';
import { goldenPixels } from '../src/model/golden.ts';
import { type Spread, spread } from './stats.ts';

/** Rows, inputs, outputs. */
export type Shape = [number, number, number];

export interface MatmulRow {
  shape: Shape;
  /** GFLOP/s by system, and the largest difference of their results. */
  rates: Record<string, Spread>;
  difference: number;
}

const ROUNDS = 7;
/** Products per measurement, at least: a submit's own time is shared among them. */
const LEAST_FLOPS = 4e8;

type Product = { run(times: number): Promise<void>; result(): Promise<ArrayLike<number>> };

/** @param jaxUrl of jax-js; null leaves it out */
export async function measureMatmuls(shapes: Shape[], jaxUrl: string | null): Promise<MatmulRow[]> {
  const rows: MatmulRow[] = [];
  for (const shape of shapes) {
    const [m, k, n] = shape;
    const x = goldenPixels(1, [m, k]);
    const w = goldenPixels(2, [k, n]);
    const systems = new Map<string, Product>([['vit-webgpu', await ourProduct(x, w, shape, DIRECT)]]);
    gpu ??= Gpu.request();
    if ((await gpu).device.features.has('subgroups')) {
      systems.set('vit-webgpu, subgroups', await ourProduct(x, w, shape, { entry: 'subgroups' }));
    }
    if (jaxUrl) systems.set('jax-js', await jaxProduct(jaxUrl, x, w, shape));
    const times = Math.max(1, Math.ceil(LEAST_FLOPS / (2 * m * k * n)));
    const rates: Record<string, number[]> = {};
    for (const product of systems.values()) await product.run(1);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, product] of systems) {
        const start = performance.now();
        await product.run(times);
        const seconds = (performance.now() - start) / 1000;
        rates[name] = [...(rates[name] ?? []), (2e-9 * m * k * n * times) / seconds];
      }
    }
    const [expected, ...others] = await Promise.all([...systems.values()].map((product) => product.result()));
    const difference = Math.max(0, ...others.map((other) => largestDifference(expected, other)));
    rows.push({
      shape,
      rates: Object.fromEntries(Object.entries(rates).map(([name, values]) => [name, spread(values)])),
      difference,
    });
  }
  return rows;
}

let gpu: Promise<Gpu> | undefined;

async function ourProduct(
  x: Float32Array<ArrayBuffer>,
  w: Float32Array,
  [m, k, n]: Shape,
  tiling: MatmulTiling,
): Promise<Product> {
  gpu ??= Gpu.request();
  const { device } = await gpu;
  const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
  const kernel = matmul(
    { inputs: k, outputs: n, bias: false, activation: null, accumulate: false },
    tiling,
    ALL_SHADERS,
  );
  const pipeline = await new Pipelines(device).get(kernel);
  const upload = (data: Float32Array<ArrayBuffer>, floats = data.length) => {
    const buffer = device.createBuffer({ size: floats * 4, usage: STORAGE | COPY_DST });
    device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  };
  const rows = roundUp(m, ROW_TILE);
  const weight = packWeight(transpose(w, k, n), new Columns(k), new Columns(n));
  const y = device.createBuffer({ size: rows * n * 4, usage: STORAGE | COPY_SRC });
  const unused = upload(new Float32Array(n));
  const operands = [upload(x, rows * k), upload(weight), unused, unused, y];
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: operands.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  return {
    async run(times) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = 0; i < times; i++) pass.dispatchWorkgroups(...kernel.grid(m));
      pass.end();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
    },
    async result() {
      const readback = device.createBuffer({ size: m * n * 4, usage: MAP_READ | COPY_DST });
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(y, 0, readback, 0, readback.size);
      device.queue.submit([encoder.finish()]);
      await readback.mapAsync(GPUMapMode.READ);
      return new Float32Array(readback.getMappedRange());
    },
  };
}

interface JaxArray {
  blockUntilReady(): Promise<unknown>;
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

async function jaxProduct(url: string, x: Float32Array, w: Float32Array, [m, k, n]: Shape): Promise<Product> {
  const { init, defaultDevice, numpy, jit } = await import(/* @vite-ignore */ url);
  await init('webgpu');
  defaultDevice('webgpu');
  const a = numpy.array(x).reshape([m, k]);
  const b = numpy.array(w).reshape([k, n]);
  await Promise.all([a.ref.blockUntilReady(), b.ref.blockUntilReady()]);
  // Compiled once; arguments are counted references, and a call consumes one of each.
  const product = jit((p: unknown, q: unknown) => numpy.matmul(p, q));
  const call = (): JaxArray => product(a.ref, b.ref);
  return {
    async run(times) {
      const results = Array.from({ length: times }, call);
      // Every one of them: jax-js is lazy, and would not compute what nobody waits for.
      await Promise.all(results.map((result) => result.blockUntilReady()));
      for (const result of results) result.dispose();
    },
    result: () => call().data(),
  };
}

function transpose(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(matrix.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = matrix[r * columns + c];
  return result;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let max = 0;
  for (let i = 0; i < a.length; i++) max = Math.max(max, Math.abs(a[i] - b[i]));
  return max;
}
