// Linear layer: y = activation(x @ weightᵀ + bias), or y += that; with NORM x is first normalised as in layer-norm.wgsl
//
//   x       [rows, INPUTS] vec4s
//   weight  [OUTPUTS / 2, INPUTS, 2] 4x4 blocks, panels of 8 outputs: column k of a block holds what input k gives to each
//           of 4 outputs
//   bias    [OUTPUTS] vec4s
//   norm    [2, INPUTS] vec4s: weight and bias of the norm; any buffer without NORM
//   y       [rows, OUTPUTS] vec4s
//
// With SWIGLU the outputs alternate, a vec4 of gates and a vec4 of what they gate, and y = silu(gate) * up has half as
// many: [rows, OUTPUTS / 2].
//
// One entry point per way to split the work; a thread's tile is always 8 columns wide, one panel:
//
//   direct  A thread computes 8 x 8. For every 4 inputs it loads 8 vec4s of x and two blocks of weight, all before the
//           first multiplication, and multiplies 8 x 8 x 4 times. No workgroup memory.
//   split   For few rows or outputs, where `direct` has too few threads: 4 x 8 per thread, and SPLITS threads share a tile,
//           each taking every SPLITS-th block of inputs. Their sums meet in workgroup memory.
//   staged  For many rows on GPUs with memory of their own for a workgroup: 64 threads compute THREAD_ROWS * 8 x 64, and
//           share what they load.
//
// Rows are padded to a multiple of 8, so that nothing guards them in `direct` and `split`; padded inputs and outputs have
// zero weights and zero bias, and stay zero.

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
const NORM = false;
const WIDTH = 192u;
const EPSILON = 1e-6f;
const SPLITS = 4u;
const THREAD_ROWS = 8u;

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
    let block = (panel * INPUTS + k) * 2u;
    let w0 = mat4x4f(weight[block]);
    let w1 = mat4x4f(weight[block + 1u]);
    y0 += mat2x4f(w0 * x0, w1 * x0);
    y1 += mat2x4f(w0 * x1, w1 * x1);
    y2 += mat2x4f(w0 * x2, w1 * x2);
    y3 += mat2x4f(w0 * x3, w1 * x3);
    y4 += mat2x4f(w0 * x4, w1 * x4);
    y5 += mat2x4f(w0 * x5, w1 * x5);
    y6 += mat2x4f(w0 * x6, w1 * x6);
    y7 += mat2x4f(w0 * x7, w1 * x7);
  }
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

const SPLIT_TILES = 64u / SPLITS;

var<workgroup> partial: array<mat2x4f, 256>;

@compute @workgroup_size(SPLIT_TILES, SPLITS)
fn split(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) thread: vec3u) {
  let tile = workgroup.x * SPLIT_TILES + thread.x;
  let panel = tile % PANELS;
  // Past the last row the first one is computed again: every thread must come to the barrier.
  let wanted = tile / PANELS * 4u;
  let inside = wanted < row_count();
  let row = select(0u, wanted, inside);

  var y0 = mat2x4f();
  var y1 = mat2x4f();
  var y2 = mat2x4f();
  var y3 = mat2x4f();
  for (var i = 0u; i < INPUTS / SPLITS; i++) {
    let k = i * SPLITS + thread.y;
    let at = row * INPUTS + k;
    let x0 = x[at];
    let x1 = x[at + INPUTS];
    let x2 = x[at + INPUTS * 2u];
    let x3 = x[at + INPUTS * 3u];
    let block = (panel * INPUTS + k) * 2u;
    let w0 = mat4x4f(weight[block]);
    let w1 = mat4x4f(weight[block + 1u]);
    y0 += mat2x4f(w0 * x0, w1 * x0);
    y1 += mat2x4f(w0 * x1, w1 * x1);
    y2 += mat2x4f(w0 * x2, w1 * x2);
    y3 += mat2x4f(w0 * x3, w1 * x3);
  }

  let slot = thread.y * SPLIT_TILES + thread.x;
  partial[slot] = y0;
  partial[slot + 64u] = y1;
  partial[slot + 128u] = y2;
  partial[slot + 192u] = y3;
  workgroupBarrier();
  // A row of the tile for each of the first four threads, or all four for fewer.
  if (inside) {
    for (var r = thread.y; r < 4u; r += SPLITS) {
      var sum = partial[r * 64u + thread.x];
      for (var part = 1u; part < SPLITS; part++) {
        sum += partial[r * 64u + part * SPLIT_TILES + thread.x];
      }
      store(row + r, panel * 2u, sum);
    }
  }
}

const STAGED_ROWS = 8u * THREAD_ROWS;
/// Blocks of inputs that are staged at once.
const DEPTH = 4u;

var<workgroup> x_tile: array<vec4f, STAGED_ROWS * DEPTH>;
/// [input, 16 vec4s of outputs: the even ones, then the odd ones], so that neighbouring threads read neighbours.
var<workgroup> weight_tile: array<vec4f, DEPTH * 4u * 16u>;
/// Where NORM wants them: mean and 1 / standard deviation of each row, and what they are summed from.
var<workgroup> moments: array<vec2f, STAGED_ROWS>;
var<workgroup> row_parts: array<f32, STAGED_ROWS * 8u>;

/// The sum over the 8 threads of a row, of each of a thread's rows.
fn sum_of_rows(values: array<f32, THREAD_ROWS>, thread: vec3u) -> array<f32, THREAD_ROWS> {
  let first = thread.y * THREAD_ROWS * 8u;
  for (var r = 0u; r < THREAD_ROWS; r++) {
    row_parts[first + r * 8u + thread.x] = values[r];
  }
  workgroupBarrier();
  var sums: array<f32, THREAD_ROWS>;
  for (var r = 0u; r < THREAD_ROWS; r++) {
    for (var part = 0u; part < 8u; part++) {
      sums[r] += row_parts[first + r * 8u + part];
    }
  }
  workgroupBarrier();
  return sums;
}

/// The same two passes as in layer-norm.wgsl.
fn find_moments(first_row: u32, last_row: u32, thread: vec3u) {
  var sums: array<f32, THREAD_ROWS>;
  for (var r = 0u; r < THREAD_ROWS; r++) {
    let row = min(first_row + thread.y * THREAD_ROWS + r, last_row);
    for (var k = thread.x; k < INPUTS; k += 8u) {
      sums[r] += dot(x[row * INPUTS + k], vec4f(1.0));
    }
  }
  let totals = sum_of_rows(sums, thread);
  var squares: array<f32, THREAD_ROWS>;
  for (var r = 0u; r < THREAD_ROWS; r++) {
    let row = min(first_row + thread.y * THREAD_ROWS + r, last_row);
    let mean = totals[r] / f32(WIDTH);
    for (var k = thread.x; k < INPUTS; k += 8u) {
      let inside = k * 4u + vec4u(0u, 1u, 2u, 3u) < vec4u(WIDTH);
      let deviation = select(vec4f(), x[row * INPUTS + k] - mean, inside);
      squares[r] += dot(deviation, deviation);
    }
  }
  let variances = sum_of_rows(squares, thread);
  for (var r = 0u; r < THREAD_ROWS; r++) {
    let scale = 1.0 / sqrt(variances[r] / f32(WIDTH) + EPSILON);
    moments[thread.y * THREAD_ROWS + r] = vec2f(totals[r] / f32(WIDTH), scale);
  }
  workgroupBarrier();
}

@compute @workgroup_size(8, 8)
fn staged(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_id) thread: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let first_row = workgroup.y * STAGED_ROWS;
  let last_row = row_count() - 1u;
  let first_panel = workgroup.x * 8u;
  if (NORM) {
    find_moments(first_row, last_row, thread);
  }

  var sums: array<mat2x4f, THREAD_ROWS>;
  for (var stage = 0u; stage < (INPUTS + DEPTH - 1u) / DEPTH; stage++) {
    for (var i = 0u; i < STAGED_ROWS * DEPTH / 64u; i++) {
      let slot = i * 64u + index;
      let row = min(first_row + slot / DEPTH, last_row);
      let k = stage * DEPTH + slot % DEPTH;
      var values = vec4f();
      if (k < INPUTS) {
        values = x[row * INPUTS + k];
        if (NORM) {
          let moment = moments[slot / DEPTH];
          values = (values - moment.x) * moment.y * norm[k] + norm[INPUTS + k];
        }
      }
      x_tile[slot] = values;
    }
    // A block for each thread.
    let panel = first_panel + index / (2u * DEPTH);
    let k = stage * DEPTH + index / 2u % DEPTH;
    var block = mat4x4f();
    if (panel < PANELS && k < INPUTS) {
      block = mat4x4f(weight[(panel * INPUTS + k) * 2u + index % 2u]);
    }
    let place = index / 2u % DEPTH * 64u + index % 2u * 8u + index / (2u * DEPTH);
    weight_tile[place] = block[0];
    weight_tile[place + 16u] = block[1];
    weight_tile[place + 32u] = block[2];
    weight_tile[place + 48u] = block[3];
    workgroupBarrier();

    for (var k = 0u; k < DEPTH; k++) {
      let at = k * 64u + thread.x;
      let w0 = mat4x4f(weight_tile[at], weight_tile[at + 16u], weight_tile[at + 32u], weight_tile[at + 48u]);
      let w1 = mat4x4f(weight_tile[at + 8u], weight_tile[at + 24u], weight_tile[at + 40u], weight_tile[at + 56u]);
      for (var r = 0u; r < THREAD_ROWS; r++) {
        let values = x_tile[(thread.y * THREAD_ROWS + r) * DEPTH + k];
        sums[r] += mat2x4f(w0 * values, w1 * values);
      }
    }
    workgroupBarrier();
  }

  let panel = first_panel + thread.x;
  if (panel < PANELS) {
    for (var r = 0u; r < THREAD_ROWS; r++) {
      let row = first_row + thread.y * THREAD_ROWS + r;
      if (row <= last_row) {
        store(row, panel * 2u, sums[r]);
      }
    }
  }
}
