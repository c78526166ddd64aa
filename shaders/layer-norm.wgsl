// LayerNorm of each row: y = (x - mean) / sqrt(variance + EPSILON) * weight + bias
//
//   x       [rows, INPUT_STRIDE] vec4s, of which VECTORS from INPUT_FIRST on are the row
//   weight  [VECTORS] vec4s, zero past COLUMNS; bias likewise
//   y       [rows, VECTORS] vec4s, zero past COLUMNS
//
// A workgroup takes ROWS rows, LANES threads each. A thread keeps its part of the row in registers, so x is read once;
// the variance is that of the deviations from the mean (two passes): E[x²] - E[x]² loses digits where |mean| is large.

const COLUMNS = 192u;
const VECTORS = 48u;
const INPUT_STRIDE = 48u;
const INPUT_FIRST = 0u;
const EPSILON = 1e-6f;
const LANES = 16u;
const ROWS = 4u;

const STEPS = (VECTORS + LANES - 1u) / LANES;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

var<workgroup> partial: array<f32, ROWS * LANES>;

/// The sum of `value` over the threads of a row, in all of them.
fn sum_of_row(value: f32, lane: u32, slot: u32) -> f32 {
  if (LANES == 1u) {
    return value;
  }
  partial[slot] = value;
  workgroupBarrier();
  for (var stride = LANES / 2u; stride > 0u; stride /= 2u) {
    if (lane < stride) {
      partial[slot] += partial[slot + stride];
    }
    workgroupBarrier();
  }
  let sum = partial[slot - lane];
  workgroupBarrier();
  return sum;
}

/// x - mean, and zero in the padding.
fn deviation(values: vec4f, mean: f32, vector: u32) -> vec4f {
  let inside = vector * 4u + vec4u(0u, 1u, 2u, 3u) < vec4u(COLUMNS);
  return select(vec4f(), values - mean, inside);
}

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) slot: u32) {
  let lane = id.x;
  let row = id.y;
  var values: array<vec4f, STEPS>;

  var sum = vec4f();
  for (var i = 0u; i < STEPS; i++) {
    let vector = i * LANES + lane;
    if (vector < VECTORS) {
      values[i] = x[row * INPUT_STRIDE + INPUT_FIRST + vector];
    }
    sum += values[i];
  }
  let mean = sum_of_row(dot(sum, vec4f(1.0)), lane, slot) / f32(COLUMNS);

  var squares = vec4f();
  for (var i = 0u; i < STEPS; i++) {
    values[i] = deviation(values[i], mean, i * LANES + lane);
    squares += values[i] * values[i];
  }
  let variance = sum_of_row(dot(squares, vec4f(1.0)), lane, slot) / f32(COLUMNS);
  let scale = 1.0 / sqrt(variance + EPSILON);

  if (row < arrayLength(&y) / VECTORS) {
    for (var i = 0u; i < STEPS; i++) {
      let vector = i * LANES + lane;
      if (vector < VECTORS) {
        y[row * VECTORS + vector] = values[i] * scale * weight[vector] + bias[vector];
      }
    }
  }
}
