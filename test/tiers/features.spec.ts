/**
 * The adapter has what the tiers need, and computes right with it: a kernel's test that fails elsewhere failed for the
 * kernel. All of it on lavapipe, without which these tests fail; a GPU of one's own may lack some, and the report says so.
 */
import { expect, test } from 'vitest';
import type { Kernel } from '../../src/gpu/kernel.ts';
import { decodeHalfs, encodeHalfs } from '../../src/weights/half.ts';
import { expectClose, F32_BOUND, random } from '../harness/arrays.ts';
import { OPTIONAL_FEATURES, runKernel, testGpu } from '../harness/gpu.ts';

interface MatrixConfig {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

const { device, info } = await testGpu();
// The adapter tells; what the device says of its adapter leaves it out.
const adapter = await navigator.gpu.requestAdapter();
const { subgroupMatrixConfigs = [] } = adapter!.info as { subgroupMatrixConfigs?: Iterable<MatrixConfig> };
const matrices = [...subgroupMatrixConfigs];

console.log(
  [
    `${info.vendor} ${info.architecture}: ${info.description || info.device}`,
    `features: ${[...device.features].sort().join(', ')}`,
    `subgroups of ${info.subgroupMinSize} to ${info.subgroupMaxSize}`,
    ...matrices.map((m) => `matrices ${m.M} x ${m.N} x ${m.K}, ${m.componentType} to ${m.resultComponentType}`),
  ].join('\n'),
);

const [f16, subgroups, matrix] = OPTIONAL_FEATURES.map((feature) =>
  test.skipIf(process.env.VIT_ADAPTER === 'gpu' && !device.features.has(feature)),
);

const kernel = (name: string, code: string, bindings: Kernel['bindings']): Kernel => ({
  name,
  code,
  bindings,
  grid: () => [1, 1, 1],
});

f16('f16 is read as it was written, and sums in f32', async () => {
  const stored = encodeHalfs(random(512, 1, 100));
  const code = `
    enable f16;
    @group(0) @binding(0) var<storage, read> x: array<vec4<f16>>;
    @group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
    @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
      y[i] = vec4f(x[2 * i]) + vec4f(x[2 * i + 1]);
    }`;
  const y = await runKernel(kernel('f16', code, ['read', 'write']), [stored, new Float32Array(256)], 1);
  const x = decodeHalfs(stored);
  expect(y).toEqual(
    Float32Array.from({ length: 256 }, (_, i) => x[(i >> 2) * 8 + (i & 3)] + x[(i >> 2) * 8 + 4 + (i & 3)]),
  );
});

subgroups('each subgroup sums its own lanes, whatever its size', async () => {
  const x = random(64, 2);
  const code = `
    enable subgroups;
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> y: array<vec2f>;
    @compute @workgroup_size(64)
    fn main(@builtin(local_invocation_index) i: u32, @builtin(subgroup_size) size: u32) {
      y[i] = vec2f(subgroupAdd(x[i]), f32(size));
    }`;
  const y = await runKernel(kernel('subgroups', code, ['read', 'write']), [x, new Float32Array(128)], 1);
  const size = y[1];
  expect(size).toBeGreaterThanOrEqual(info.subgroupMinSize!);
  expect(size).toBeLessThanOrEqual(info.subgroupMaxSize!);
  const sums = Float64Array.from({ length: 64 }, (_, i) => {
    const first = i - (i % size);
    return x.slice(first, first + size).reduce((sum, value) => sum + value, 0);
  });
  expectClose(
    y.filter((_, i) => i % 2 === 0),
    sums,
    F32_BOUND,
  );
});

matrix('a subgroup multiplies two matrices of f16 into one of f32', async () => {
  const config = matrices.find((m) => m.componentType === 'f16' && m.resultComponentType === 'f32');
  expect(config, 'a configuration from f16 to f32').toBeDefined();
  const { M, N, K } = config!;
  const [left, right] = [encodeHalfs(random(M * K, 3)), encodeHalfs(random(K * N, 4))];
  const code = `
    enable f16;
    enable chromium_experimental_subgroup_matrix;
    @group(0) @binding(0) var<storage, read> a: array<f16>;
    @group(0) @binding(1) var<storage, read> b: array<f16>;
    @group(0) @binding(2) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(${info.subgroupMaxSize}) fn main() {
      let left = subgroupMatrixLoad<subgroup_matrix_left<f16, ${K}, ${M}>, row_major>(&a, 0, ${K});
      let right = subgroupMatrixLoad<subgroup_matrix_right<f16, ${N}, ${K}>, row_major>(&b, 0, ${N});
      var result: subgroup_matrix_result<f32, ${N}, ${M}>;
      result = subgroupMatrixMultiplyAccumulate(left, right, result);
      subgroupMatrixStore<row_major>(&y, 0, result, ${N});
    }`;
  const operands = [left, right, new Float32Array(M * N)];
  const y = await runKernel(kernel('subgroup-matrix', code, ['read', 'read', 'write']), operands, 1);
  const [a, b] = [decodeHalfs(left), decodeHalfs(right)];
  const expected = Float64Array.from({ length: M * N }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += a[Math.floor(i / N) * K + k] * b[k * N + (i % N)];
    return sum;
  });
  expectClose(y, expected, F32_BOUND);
});
