// LayerNorm of each row: y = (x - mean) / sqrt(variance + EPSILON) * weight + bias
//
//   x       [rows, INPUT_STRIDE] vec4s, of which VECTORS from INPUT_FIRST on are the row
//   affine  [2, VECTORS] vec4s: weight, then bias; where there is a SECOND behind them its own two
//   y       [rows, VECTORS] vec4s
//
// The columns come in groups of GROUP, each padded with zeros to whole vec4s; so does y. With RMS the mean is taken for 0; with
// ACCUMULATE y += that. Of every PERIOD rows those from SECOND on have the second weight and bias, and those from END on stay as
// they are.
//
// A workgroup takes ROWS rows, LANES threads each (grid: over two dimensions, since one allows 65,535). A thread keeps its part of the row in registers, so x is read once;
// the variance is that of the deviations from the mean (two passes): E[x²] - E[x]² loses digits where |mean| is large.

const COLUMNS = 192u;
const VECTORS = 48u;
const GROUP = 192u;
const GROUP_VECTORS = 48u;
const INPUT_STRIDE = 48u;
const INPUT_FIRST = 0u;
const EPSILON = 1e-6f;
const RMS = false;
const ACCUMULATE = false;
const PERIOD = 1u;
const SECOND = 1u;
const END = 1u;
const LANES = 16u;
const ROWS = 4u;

const STEPS = (VECTORS + LANES - 1u) / LANES;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> affine: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

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
  let inside = vector % GROUP_VECTORS * 4u + vec4u(0u, 1u, 2u, 3u) < vec4u(GROUP);
  return select(vec4f(), values - mean, inside & vec4<bool>(vector < VECTORS));
}

/// What was normalised, with its weight and bias.
fn write(row: u32, vector: u32, normed: vec4f) {
  let place = row % PERIOD;
  let part = select(vector, 2u * VECTORS + vector, place >= SECOND);
  var value = normed * affine[part] + affine[VECTORS + part];
  if (place >= END) {
    value = x[row * INPUT_STRIDE + INPUT_FIRST + vector];
  }
  if (ACCUMULATE) {
    value += y[row * VECTORS + vector];
  }
  y[row * VECTORS + vector] = value;
}

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) slot: u32,
) {
  let lane = local.x;
  let row = (workgroup.y * workgroups.x + workgroup.x) * ROWS + local.y;
  var values: array<vec4f, STEPS>;

  var sum = vec4f();
  for (var i = 0u; i < STEPS; i++) {
    let vector = i * LANES + lane;
    if (vector < VECTORS) {
      values[i] = x[row * INPUT_STRIDE + INPUT_FIRST + vector];
    }
    sum += values[i];
  }
  var mean = 0.0;
  if (!RMS) {
    mean = sum_of_row(dot(sum, vec4f(1.0)), lane, slot) / f32(COLUMNS);
  }

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
        write(row, vector, values[i] * scale);
      }
    }
  }
}
