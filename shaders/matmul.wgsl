// Linear layer: y = activation(x @ weightᵀ + bias), or y += that
//
//   x       [rows, INPUTS] vec4s
//   weight  [OUTPUTS / 2, INPUTS, 2] 4x4 blocks, panels of 8 outputs: column k of a block holds what input k gives to each
//           of 4 outputs
//   bias    [OUTPUTS] vec4s
//   norm    for matmul.staged.wgsl; any buffer here
//   y       [rows, OUTPUTS] vec4s
//
// With SWIGLU the outputs alternate, a vec4 of gates and a vec4 of what they gate, and y = silu(gate) * up has half as
// many: [rows, OUTPUTS / 2].
//
// One entry point per way to split the work; a thread's tile is 8 columns wide, one panel, but for `subgroups`, where it is half of one:
//
//   direct  A thread computes 8 x 8. For every 4 inputs it loads 8 vec4s of x and two blocks of weight, all before the
//           first multiplication, and multiplies 8 x 8 x 4 times. No workgroup memory.
//
// The others continue this file: matmul.split.wgsl, matmul.staged.wgsl, matmul.subgroups.wgsl, matmul.subgroup-matrix.wgsl; so do
// matmul.i8.wgsl and matmul.i4.wgsl, for weights that any of them widens while it loads them.
//
// Rows are padded to a multiple of 8, so that `direct` does not guard them; padded inputs and outputs have zero weights and
// zero bias, and stay zero.

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
const Y_COLUMNS = select(OUTPUTS, OUTPUTS / 2u, SWIGLU);

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<mat4x4<scalar>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> norm: array<vec4f>;
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

/// Of inputs k to a half of a panel's outputs. In matmul.i8.wgsl and matmul.i4.wgsl of few bits.
fn weight_block(panel: u32, k: u32, half: u32) -> mat4x4<scalar> {
  return weight[(panel * INPUTS + k) * 2u + half];
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

/// A loop, since compilers that put every call in line take three times as long for eight of them.
fn store_rows(row: u32, column: u32, sums: array<mat2x4f, 8>) {
  for (var r = 0u; r < 8u; r++) {
    store(row + r, column, sums[r]);
  }
}

/// Rows of y, those of the padding included.
fn row_count() -> u32 {
  return arrayLength(&y) / Y_COLUMNS;
}

@compute @workgroup_size(64)
fn direct(@builtin(global_invocation_id) id: vec3u) {
  let panel = id.x % PANELS;
  let row = id.x / PANELS * 8u;
  if (row >= row_count()) {
    return;
  }

  var y0 = mat2x4f();
  var y1 = mat2x4f();
  var y2 = mat2x4f();
  var y3 = mat2x4f();
  var y4 = mat2x4f();
  var y5 = mat2x4f();
  var y6 = mat2x4f();
  var y7 = mat2x4f();
  for (var k = 0u; k < INPUTS; k++) {
    let at = row * INPUTS + k;
    let x0 = x[at];
    let x1 = x[at + INPUTS];
    let x2 = x[at + INPUTS * 2u];
    let x3 = x[at + INPUTS * 3u];
    let x4 = x[at + INPUTS * 4u];
    let x5 = x[at + INPUTS * 5u];
    let x6 = x[at + INPUTS * 6u];
    let x7 = x[at + INPUTS * 7u];
    let w0 = mat4x4f(weight_block(panel, k, 0u));
    let w1 = mat4x4f(weight_block(panel, k, 1u));
    y0 += mat2x4f(w0 * x0, w1 * x0);
    y1 += mat2x4f(w0 * x1, w1 * x1);
    y2 += mat2x4f(w0 * x2, w1 * x2);
    y3 += mat2x4f(w0 * x3, w1 * x3);
    y4 += mat2x4f(w0 * x4, w1 * x4);
    y5 += mat2x4f(w0 * x5, w1 * x5);
    y6 += mat2x4f(w0 * x6, w1 * x6);
    y7 += mat2x4f(w0 * x7, w1 * x7);
  }
  store_rows(row, panel * 2u, array(y0, y1, y2, y3, y4, y5, y6, y7));
}
