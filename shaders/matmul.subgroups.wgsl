// Linear layer as in matmul.wgsl, with the same bindings except that `norm` is not read, for GPUs with subgroups
//
// A thread computes 8 rows x 8 columns. Four neighbours of a subgroup, a quad, share the rows and have four panels of
// weight: of 16 inputs each loads a vec4 of x per row, and gets the other three from its neighbours.
//
// Every subgroup consists of quads, whatever its size, and nothing else is assumed of it.

enable subgroups;

const INPUTS = 48u;
const OUTPUTS = 144u;
const BIAS = true;
const GELU = false;
const GELU_TANH = false;
const QUICK_GELU = false;
const RELU = false;
const TANH = false;
const SWIGLU = false;
const ACCUMULATE = false;

alias scalar = f32;

const PANELS = (OUTPUTS + 1u) / 2u;
const PANELS_OF_QUADS = (PANELS + 3u) / 4u;
const Y_COLUMNS = select(OUTPUTS, OUTPUTS / 2u, SWIGLU);

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<mat4x4<scalar>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

/// erf to 1.5e-7: Abramowitz and Stegun 7.1.26.
fn erf(x: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let polynomial =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - polynomial * exp(-x * x));
}

fn gelu(x: vec4f) -> vec4f {
  return 0.5 * x * (1.0 + erf(x * 0.7071067811865476));
}

/// The argument of tanh is clamped where tanh is 1 to the last bit: some drivers overflow beyond.
fn gelu_tanh(x: vec4f) -> vec4f {
  let inner = 0.7978845608028654 * (x + 0.044715 * x * x * x);
  return 0.5 * x * (1.0 + tanh(clamp(inner, vec4f(-10.0), vec4f(10.0))));
}

/// x sigmoid(x). Beyond 80 the exponential would overflow; the quotient is 0 by then.
fn silu(x: vec4f) -> vec4f {
  return x / (1.0 + exp(min(-x, vec4f(80.0))));
}

fn quick_gelu(x: vec4f) -> vec4f {
  return x / (1.0 + exp(min(-1.702 * x, vec4f(80.0))));
}

fn activation(x: vec4f) -> vec4f {
  if (GELU) {
    return gelu(x);
  }
  if (GELU_TANH) {
    return gelu_tanh(x);
  }
  if (QUICK_GELU) {
    return quick_gelu(x);
  }
  if (RELU) {
    return max(x, vec4f());
  }
  if (TANH) {
    return tanh(clamp(x, vec4f(-10.0), vec4f(10.0)));
  }
  return x;
}

fn store_vector(at: u32, column: u32, sum: vec4f) {
  // The last tile may be half outside.
  if (column < OUTPUTS) {
    var value = sum;
    if (BIAS) {
      value += bias[column];
    }
    value = activation(value);
    if (ACCUMULATE) {
      value += y[at];
    }
    y[at] = value;
  }
}

fn store(row: u32, column: u32, sums: mat2x4f) {
  if (SWIGLU) {
    y[row * Y_COLUMNS + column / 2u] = silu(sums[0] + bias[column]) * (sums[1] + bias[column + 1u]);
    return;
  }
  let at = row * OUTPUTS + column;
  store_vector(at, column, sums[0]);
  store_vector(at + 1u, column + 1u, sums[1]);
}

/// Rows of y, those of the padding included.
fn row_count() -> u32 {
  return arrayLength(&y) / Y_COLUMNS;
}

var<workgroup> quads: atomic<u32>;

/// Which threads make a quad is the GPU's to say, and not their numbers': each quad takes the next number.
fn number_of_quad(lane: u32) -> u32 {
  var number = 0u;
  // Some drivers zero the counter at the start of every subgroup.
  workgroupBarrier();
  if (lane == 0u) {
    number = atomicAdd(&quads, 1u);
  }
  return quadBroadcast(number, 0u);
}

/// A row of x; zeros past its end, where weights of the next panel are read.
fn inputs_of(at: u32, k: u32) -> vec4f {
  return select(vec4f(), x[at], k < INPUTS);
}

@compute @workgroup_size(64)
fn subgroups(@builtin(workgroup_id) workgroup: vec3u, @builtin(subgroup_invocation_id) invocation: u32) {
  let lane = invocation & 3u;
  let tile = workgroup.x * 16u + number_of_quad(lane);
  let panel = tile % PANELS_OF_QUADS * 4u + lane;
  // Past the last row the first one is computed again: all threads of a quad are needed to the end.
  let wanted = tile / PANELS_OF_QUADS * 8u;
  let inside = wanted < row_count();
  let row = select(0u, wanted, inside);

  var y0 = mat2x4f();
  var y1 = mat2x4f();
  var y2 = mat2x4f();
  var y3 = mat2x4f();
  var y4 = mat2x4f();
  var y5 = mat2x4f();
  var y6 = mat2x4f();
  var y7 = mat2x4f();
  for (var i = 0u; i < (INPUTS + 3u) / 4u; i++) {
    let k = i * 4u + lane;
    let at = row * INPUTS + k;
    let x0 = inputs_of(at, k);
    let x1 = inputs_of(at + INPUTS, k);
    let x2 = inputs_of(at + INPUTS * 2u, k);
    let x3 = inputs_of(at + INPUTS * 3u, k);
    let x4 = inputs_of(at + INPUTS * 4u, k);
    let x5 = inputs_of(at + INPUTS * 5u, k);
    let x6 = inputs_of(at + INPUTS * 6u, k);
    let x7 = inputs_of(at + INPUTS * 7u, k);
    let block = (panel * INPUTS + i * 4u) * 2u;
    let w0 = mat4x4f(weight[block]);
    let w1 = mat4x4f(weight[block + 1u]);
    let x0_0 = quadBroadcast(x0, 0u);
    let x1_0 = quadBroadcast(x1, 0u);
    let x2_0 = quadBroadcast(x2, 0u);
    let x3_0 = quadBroadcast(x3, 0u);
    let x4_0 = quadBroadcast(x4, 0u);
    let x5_0 = quadBroadcast(x5, 0u);
    let x6_0 = quadBroadcast(x6, 0u);
    let x7_0 = quadBroadcast(x7, 0u);
    y0 += mat2x4f(w0 * x0_0, w1 * x0_0);
    y1 += mat2x4f(w0 * x1_0, w1 * x1_0);
    y2 += mat2x4f(w0 * x2_0, w1 * x2_0);
    y3 += mat2x4f(w0 * x3_0, w1 * x3_0);
    y4 += mat2x4f(w0 * x4_0, w1 * x4_0);
    y5 += mat2x4f(w0 * x5_0, w1 * x5_0);
    y6 += mat2x4f(w0 * x6_0, w1 * x6_0);
    y7 += mat2x4f(w0 * x7_0, w1 * x7_0);
    let w2 = mat4x4f(weight[block + 2u]);
    let w3 = mat4x4f(weight[block + 3u]);
    let x0_1 = quadBroadcast(x0, 1u);
    let x1_1 = quadBroadcast(x1, 1u);
    let x2_1 = quadBroadcast(x2, 1u);
    let x3_1 = quadBroadcast(x3, 1u);
    let x4_1 = quadBroadcast(x4, 1u);
    let x5_1 = quadBroadcast(x5, 1u);
    let x6_1 = quadBroadcast(x6, 1u);
    let x7_1 = quadBroadcast(x7, 1u);
    y0 += mat2x4f(w2 * x0_1, w3 * x0_1);
    y1 += mat2x4f(w2 * x1_1, w3 * x1_1);
    y2 += mat2x4f(w2 * x2_1, w3 * x2_1);
    y3 += mat2x4f(w2 * x3_1, w3 * x3_1);
    y4 += mat2x4f(w2 * x4_1, w3 * x4_1);
    y5 += mat2x4f(w2 * x5_1, w3 * x5_1);
    y6 += mat2x4f(w2 * x6_1, w3 * x6_1);
    y7 += mat2x4f(w2 * x7_1, w3 * x7_1);
    let w4 = mat4x4f(weight[block + 4u]);
    let w5 = mat4x4f(weight[block + 5u]);
    let x0_2 = quadBroadcast(x0, 2u);
    let x1_2 = quadBroadcast(x1, 2u);
    let x2_2 = quadBroadcast(x2, 2u);
    let x3_2 = quadBroadcast(x3, 2u);
    let x4_2 = quadBroadcast(x4, 2u);
    let x5_2 = quadBroadcast(x5, 2u);
    let x6_2 = quadBroadcast(x6, 2u);
    let x7_2 = quadBroadcast(x7, 2u);
    y0 += mat2x4f(w4 * x0_2, w5 * x0_2);
    y1 += mat2x4f(w4 * x1_2, w5 * x1_2);
    y2 += mat2x4f(w4 * x2_2, w5 * x2_2);
    y3 += mat2x4f(w4 * x3_2, w5 * x3_2);
    y4 += mat2x4f(w4 * x4_2, w5 * x4_2);
    y5 += mat2x4f(w4 * x5_2, w5 * x5_2);
    y6 += mat2x4f(w4 * x6_2, w5 * x6_2);
    y7 += mat2x4f(w4 * x7_2, w5 * x7_2);
    let w6 = mat4x4f(weight[block + 6u]);
    let w7 = mat4x4f(weight[block + 7u]);
    let x0_3 = quadBroadcast(x0, 3u);
    let x1_3 = quadBroadcast(x1, 3u);
    let x2_3 = quadBroadcast(x2, 3u);
    let x3_3 = quadBroadcast(x3, 3u);
    let x4_3 = quadBroadcast(x4, 3u);
    let x5_3 = quadBroadcast(x5, 3u);
    let x6_3 = quadBroadcast(x6, 3u);
    let x7_3 = quadBroadcast(x7, 3u);
    y0 += mat2x4f(w6 * x0_3, w7 * x0_3);
    y1 += mat2x4f(w6 * x1_3, w7 * x1_3);
    y2 += mat2x4f(w6 * x2_3, w7 * x2_3);
    y3 += mat2x4f(w6 * x3_3, w7 * x3_3);
    y4 += mat2x4f(w6 * x4_3, w7 * x4_3);
    y5 += mat2x4f(w6 * x5_3, w7 * x5_3);
    y6 += mat2x4f(w6 * x6_3, w7 * x6_3);
    y7 += mat2x4f(w6 * x7_3, w7 * x7_3);
  }
  if (inside && panel < PANELS) {
    let column = panel * 2u;
    store(row, column, y0);
    store(row + 1u, column, y1);
    store(row + 2u, column, y2);
    store(row + 3u, column, y3);
    store(row + 4u, column, y4);
    store(row + 5u, column, y5);
    store(row + 6u, column, y6);
    store(row + 7u, column, y7);
  }
}
