/**
 * Variants of a kernel side by side: milliseconds of a dispatch by shape, and what it takes to compile one; and what it takes
 * to compile all kernels of a plan.
 */
import { choose } from '../src/engine/choose/choose.ts';
import { BASELINE } from '../src/engine/choose/kernel-config.ts';
import { compile, dispatchesOf } from '../src/engine/run/program.ts';
import { SEPARATE_ATTENTION } from '../src/engine/run/separate-attention.ts';
import { BASELINE_CAPABILITIES, capabilitiesOf, FEATURES } from '../src/gpu/capabilities.ts';
import { Columns } from '../src/gpu/columns.ts';
import { type Kernel, kernelKey, roundUp } from '../src/gpu/kernel.ts';
import { Pipelines } from '../src/gpu/pipelines.ts';
import { ALL_SHADERS } from '../src/kernels/all-shaders.ts';
import { type AttentionTiling, attention } from '../src/kernels/attention.ts';
import { attentionScores } from '../src/kernels/attention-scores.ts';
import { attentionValues } from '../src/kernels/attention-values.ts';
import { layerNorm } from '../src/kernels/layer-norm.ts';
import { type MatmulTiling, matmul, matmulVariants, packWeight, ROW_TILE } from '../src/kernels/matmul.ts';
import type { ProductTiling } from '../src/kernels/product-tiling.ts';
import { softmax } from '../src/kernels/softmax.ts';
import { withDefaults } from '../src/model/architecture.ts';
import { goldenPixels } from '../src/model/golden.ts';
import { type Plan, planViT } from '../src/model/plan.ts';
import { encodeHalfs } from '../src/weights/half.ts';
import { requestAdapter } from './dawn.ts';
import { describeMachine } from './machine.ts';
import { architectureOf, SIZE_NAMES } from './models.ts';
import { measurePeaks, type Peaks } from './peaks.ts';
import { type Spread, spread } from './stats.ts';

const ROUNDS = 9;
/** A measurement takes at least so long, so that a submit's own time vanishes. Milliseconds. */
const LONG_ENOUGH = 20;

interface Shape {
  title: string;
  rows: number;
  floor: { flops: number; bytes: number };
  /** By name of the variant. All of a table have the same names, in the same order. */
  variants: Record<string, { kernel: Kernel; operands: Operand[] }>;
}

type Operand = Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

interface Result {
  milliseconds: Spread;
  /** Milliseconds: pipeline and first run, less a usual run. */
  compile: number;
  /** From the first variant's numbers: what differs by more than rounding is no variant. */
  difference: number;
}

/** @param words of the titles to run; default all @param loadBefore the load average before anything was built */
export async function run(words: string[], loadBefore: number): Promise<void> {
  const adapter = await requestAdapter();
  const features = Object.values(FEATURES) as GPUFeatureName[];
  const requiredFeatures = features.filter((name) => adapter.features.has(name));
  const device = await adapter.requestDevice({ requiredFeatures });
  device.addEventListener('uncapturederror', ({ error }) => {
    throw error;
  });
  const peaks = await measurePeaks(device);
  const { processor, cores } = describeMachine();
  console.log(`### ${adapter.info.vendor} ${adapter.info.description || adapter.info.device}\n`);
  console.log(
    `${new Date().toISOString().slice(0, 10)}. ${processor}, ${cores} cores, Node ${process.version} with Dawn.`,
  );
  console.log(`Load average before the run ${loadBefore.toFixed(2)}. Measured peaks of the adapter:`);
  console.log(
    `${(peaks.flops / 1e9).toFixed(1)} GFLOP/s f32, ${(peaks.bandwidth / 1e9).toFixed(2)} GB/s read and written.`,
  );
  for (const [title, shapes] of Object.entries(kernels(device, adapter.info))) {
    if (words.length > 0 && !words.some((word) => title.includes(word))) continue;
    const columns: Record<string, Result>[] = [];
    for (const shape of shapes) columns.push(await measure(device, shape));
    console.log(`\n${table(title, shapes, columns, peaks)}`);
  }
  if (words.length > 0 && !words.includes('plans')) return;
  console.log(`\n${await compileTable(requiredFeatures)}`);
}

/** As a page compiles them: all at once, nothing cached. */
async function compileTable(requiredFeatures: GPUFeatureName[]): Promise<string> {
  const subgroups = requiredFeatures.includes('subgroups');
  const forSoftware = (plan: Plan) =>
    choose({
      plans: [plan],
      storage: 'f32',
      capabilities: { ...BASELINE_CAPABILITIES, subgroups },
      software: true,
      shaders: ALL_SHADERS,
      disabled: new Set(),
    });
  const lines = ['| all kernels of | kernels | compile, ms |', '| --- | --- | --- |'];
  for (const size of SIZE_NAMES) {
    const simple = planViT(withDefaults(architectureOf(size, 224)));
    const separate = planViT(withDefaults(architectureOf(size, 224)), { separateAttention: true });
    const ways = {
      'what every GPU can': compile(simple, BASELINE),
      ...(subgroups && {
        'as on software adapters': compile(separate, { ...forSoftware(separate), steps: SEPARATE_ATTENTION }),
      }),
    };
    for (const [way, program] of Object.entries(ways)) {
      const kernels = new Map(dispatchesOf(program).map(({ kernel }) => [kernelKey(kernel), kernel]));
      const times: number[] = [];
      for (let round = 0; round < 3; round++) {
        // A device remembers what it compiled.
        const device = await (await requestAdapter()).requestDevice({ requiredFeatures });
        const pipelines = new Pipelines(device);
        const start = performance.now();
        await Promise.all([...kernels.values()].map((kernel) => pipelines.get(kernel)));
        times.push(performance.now() - start);
        device.destroy();
      }
      lines.push(`| ViT-${size}, ${way} | ${kernels.size} | ${describe(spread(times))} |`);
    }
  }
  return lines.join('\n');
}

function kernels({ features }: GPUDevice, info: GPUAdapterInfo): Record<string, Shape[]> {
  return {
    matmul: [
      [197, 192, 768],
      [197, 768, 3072],
      [8 * 197, 192, 768],
    ].map(([rows, inputs, outputs]) => matmulShape([rows, inputs, outputs], features, info)),
    attention: [
      [197, 3],
      [197, 12],
      [1370, 3],
    ].map(([tokens, heads]) => attentionShape(tokens, heads, 64, features)),
    'attention-scores': TOKENS.map((tokens) => scoresShape(tokens, 3, 64, features)),
    'attention-values': TOKENS.map((tokens) => valuesShape(tokens, 3, 64, features)),
    softmax: TOKENS.map((tokens) => softmaxShape(3 * tokens, tokens)),
    'layer-norm': [192, 768].map((columns) => layerNormShape(197, columns)),
  };
}

function matmulShape([rows, inputs, outputs]: number[], features: GPUSupportedFeatures, info: GPUAdapterInfo): Shape {
  const weight = packWeight(goldenPixels(2, [outputs, inputs]), new Columns(inputs), new Columns(outputs));
  const x = padded(goldenPixels(1, [rows, inputs]), roundUp(rows, ROW_TILE) * inputs);
  const variants: Shape['variants'] = {};
  const add = (name: string, storage: 'f32' | 'f16', tiling: MatmulTiling) => {
    const sizes = { inputs, outputs, bias: true, activation: null, accumulate: false, storage };
    const stored = storage === 'f16' ? encodeHalfs(weight) : weight;
    const operands = [x, stored, goldenPixels(3, [outputs]), new Float32Array(4), y];
    variants[name] = { kernel: matmul(sizes, tiling, ALL_SHADERS), operands };
  };
  const y = new Float32Array(roundUp(rows, ROW_TILE) * outputs);
  for (const storage of features.has('shader-f16') ? (['f32', 'f16'] as const) : (['f32'] as const)) {
    add(`direct, ${storage}`, storage, { entry: 'direct' });
    add(`split in 4, ${storage}`, storage, { entry: 'split', splits: 4 });
    add(`staged, ${storage}`, storage, { entry: 'staged', threadRows: 8 });
    if (features.has('subgroups')) add(`subgroups, ${storage}`, storage, { entry: 'subgroups' });
    for (const tiling of matmulVariants({ inputs, storage }, capabilitiesOf(features, info))) {
      if (tiling.entry === 'half') add('half products, f16', storage, tiling);
      if (tiling.entry === 'matrix') add(`matrices, ${storage}`, storage, tiling);
    }
  }
  const floor = { flops: 2 * rows * inputs * outputs, bytes: 4 * (rows * inputs + inputs * outputs + rows * outputs) };
  return { title: `${rows} x ${inputs} x ${outputs}`, rows, floor, variants };
}

function attentionShape(tokens: number, heads: number, headSize: number, features: GPUSupportedFeatures): Shape {
  const width = heads * headSize;
  const qkv = goldenPixels(1, [tokens, 3 * width]);
  const operands = [qkv, qkv, new Float32Array(4), new Float32Array(tokens * width)];
  const entries: AttentionTiling['entry'][] = ['direct', 'tiled'];
  if (features.has('subgroups')) entries.push('subgroups');
  const sizes = { tokens, heads, headSize, scale: headSize ** -0.5 };
  return {
    title: `${tokens} tokens, ${heads} heads of ${headSize}`,
    rows: tokens,
    floor: { flops: 4 * tokens * tokens * width, bytes: 4 * 4 * tokens * width },
    variants: Object.fromEntries(
      entries.map((entry) => [entry, { kernel: attention(sizes, { entry }, ALL_SHADERS), operands }]),
    ),
  };
}

/** Of images of 224 pixels in patches of 16, and of 518 in patches of 14. */
const TOKENS = [197, 1370];

function scoresShape(tokens: number, heads: number, headSize: number, features: GPUSupportedFeatures): Shape {
  const qkv = goldenPixels(1, [tokens, 3 * heads * headSize]);
  const operands = [qkv, qkv, new Float32Array(heads * tokens * roundUp(tokens, 4))];
  const sizes = { tokens, heads, headSize, scale: headSize ** -0.5 };
  return productShape(sizes, heads * tokens, features, (tiling) => ({
    kernel: attentionScores(sizes, tiling, ALL_SHADERS),
    operands,
  }));
}

function valuesShape(tokens: number, heads: number, headSize: number, features: GPUSupportedFeatures): Shape {
  const width = heads * headSize;
  const weights = goldenPixels(2, [heads * tokens, roundUp(tokens, 4)]);
  const operands = [weights, goldenPixels(1, [tokens, 3 * width]), new Float32Array(tokens * width)];
  const sizes = { tokens, heads, headSize };
  return productShape(sizes, tokens, features, (tiling) => ({
    kernel: attentionValues(sizes, tiling, ALL_SHADERS),
    operands,
  }));
}

function productShape(
  { tokens, heads, headSize }: { tokens: number; heads: number; headSize: number },
  rows: number,
  features: GPUSupportedFeatures,
  variant: (tiling: ProductTiling) => Shape['variants'][string],
): Shape {
  const entries: ProductTiling['entry'][] = features.has('subgroups') ? ['main', 'subgroups'] : ['main'];
  return {
    title: `${tokens} tokens, ${heads} heads of ${headSize}`,
    rows,
    floor: { flops: 2 * tokens * tokens * heads * headSize, bytes: 4 * heads * tokens * (tokens + 2 * headSize) },
    variants: Object.fromEntries(entries.map((entry) => [entry, variant({ entry })])),
  };
}

function softmaxShape(rows: number, columns: number): Shape {
  const x = goldenPixels(1, [rows, roundUp(columns, 4)]);
  return {
    title: `${rows} x ${columns}`,
    rows,
    floor: { flops: 0, bytes: 8 * rows * columns },
    variants: { main: { kernel: softmax({ columns }), operands: [x, new Float32Array(x.length)] } },
  };
}

function layerNormShape(rows: number, columns: number): Shape {
  const operands = [goldenPixels(1, [rows, columns]), goldenPixels(2, [2, columns])];
  operands.push(new Float32Array(rows * columns));
  return {
    title: `${rows} x ${columns}`,
    rows,
    floor: { flops: 0, bytes: 8 * rows * columns },
    variants: Object.fromEntries(
      [4, 16, 64].map((lanes) => [
        `${lanes} threads per row`,
        { kernel: layerNorm({ columns, epsilon: 1e-6 }, { lanes }), operands },
      ]),
    ),
  };
}

async function measure(device: GPUDevice, { rows, variants }: Shape): Promise<Record<string, Result>> {
  const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
  const buffers = new Map<Operand, GPUBuffer>();
  const bufferOf = (data: Operand) => {
    let buffer = buffers.get(data);
    if (!buffer) {
      buffer = device.createBuffer({ size: data.byteLength, usage: STORAGE | COPY_DST | COPY_SRC });
      device.queue.writeBuffer(buffer, 0, data);
      buffers.set(data, buffer);
    }
    return buffer;
  };
  const running = [];
  let expected: Float32Array | undefined;
  for (const [name, { kernel, operands }] of Object.entries(variants)) {
    const start = performance.now();
    const pipeline = await new Pipelines(device).get(kernel);
    const bindGroup = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: operands.map((data, binding) => ({ binding, resource: { buffer: bufferOf(data) } })),
    });
    const run = async (dispatches: number) => {
      const start = performance.now();
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      for (let i = 0; i < dispatches; i++) pass.dispatchWorkgroups(...kernel.grid(rows));
      pass.end();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      return performance.now() - start;
    };
    await run(1);
    const first = performance.now() - start;
    const y = await read(device, bufferOf(operands[operands.length - 1]));
    expected ??= y;
    let dispatches = 1;
    while ((await run(dispatches)) < LONG_ENOUGH) dispatches *= 2;
    running.push({ name, run, dispatches, first, difference: largestDifference(y, expected), times: [] as number[] });
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { run, dispatches, times } of running) times.push((await run(dispatches)) / dispatches);
  }
  for (const buffer of buffers.values()) buffer.destroy();
  return Object.fromEntries(
    running.map(({ name, first, difference, times }) => {
      const milliseconds = spread(times);
      return [name, { milliseconds, compile: first - milliseconds.median, difference }];
    }),
  );
}

async function read(device: GPUDevice, buffer: GPUBuffer): Promise<Float32Array> {
  const { MAP_READ, COPY_DST } = GPUBufferUsage;
  const readback = device.createBuffer({ size: buffer.size, usage: MAP_READ | COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, readback, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await readback.mapAsync(GPUMapMode.READ);
  const values = new Float32Array(readback.getMappedRange()).slice();
  readback.destroy();
  return values;
}

function table(title: string, shapes: Shape[], columns: Record<string, Result>[], peaks: Peaks): string {
  const lines = [
    [`${title}, ms`, ...shapes.map((shape) => shape.title), 'compile', 'differs by'],
    ['---', ...shapes.map(() => '---'), '---', '---'],
  ];
  for (const name of Object.keys(columns[0])) {
    const results = columns.map((column) => column[name]);
    const compile = spread(results.map((result) => result.compile)).median.toFixed(0);
    const difference = Math.max(...results.map((result) => result.difference)).toExponential(1);
    lines.push([name, ...results.map(({ milliseconds }) => describe(milliseconds)), compile, difference]);
  }
  const floors = shapes.map(({ floor: { flops, bytes } }) =>
    fixed(1000 * Math.max(flops / peaks.flops, bytes / peaks.bandwidth)),
  );
  lines.push(['floor', ...floors, '', '']);
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Median, and quartiles. */
function describe({ median, low, high }: Spread): string {
  return `${fixed(median)} (${fixed(low)}–${fixed(high)})`;
}

/** Three digits that count. */
function fixed(value: number): string {
  return value >= 100
    ? value.toFixed(0)
    : value >= 10
      ? value.toFixed(1)
      : value >= 1
        ? value.toFixed(2)
        : value.toFixed(3);
}

function padded(values: Float32Array, length: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(length);
  result.set(values);
  return result;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let max = 0;
  for (let i = 0; i < a.length; i++) max = Math.max(max, Math.abs(a[i] - b[i]));
  return max;
}
