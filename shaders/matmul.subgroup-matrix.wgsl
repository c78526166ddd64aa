// Linear layer as in matmul.wgsl, with the same bindings except that `norm` is not read, for GPUs with subgroup matrices
//
// A workgroup of four subgroups computes 64 rows x 64 columns, each subgroup a quarter as matrices of MATRIX_ROWS x
// MATRIX_COLUMNS. x and weight come through workgroup memory as plain tiles of rows, DEPTH inputs at once, with zeros past
// the last input and output: no matrix is ever loaded from beyond an end. x is rounded to the type of the weight; sums are
// f32, and so is what follows.
//
// The constants of the matrix, and LANES, the largest size of a subgroup, are the adapter's. Where its subgroups turn out
// smaller there are more of them than quarters, and some are computed twice, with the same result.

enable subgroups;
enable chromium_experimental_subgroup_matrix;
// That a subgroup's number is the same in all its threads is more than the compiler can see.
diagnostic(off, chromium.subgroup_matrix_uniformity);

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
const MATRIX_ROWS = 8u;
const MATRIX_COLUMNS = 8u;
const MATRIX_DEPTH = 8u;
const LANES = 32u;
const DEPTH = 16u;

alias scalar = f32;

const PANELS = (OUTPUTS + 1u) / 2u;
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

const THREADS = 4u * LANES;
const DOWN = 32u / MATRIX_ROWS;
const ACROSS = 32u / MATRIX_COLUMNS;
const MATRIX = MATRIX_ROWS * MATRIX_COLUMNS;
/// Eight elements more than a row has, so that rows do not fall on the same banks of memory.
const X_STRIDE = DEPTH + 8u;
const WEIGHT_STRIDE = 72u;

alias Left = subgroup_matrix_left<scalar, MATRIX_DEPTH, MATRIX_ROWS>;
alias Right = subgroup_matrix_right<scalar, MATRIX_COLUMNS, MATRIX_DEPTH>;
alias Sums = subgroup_matrix_result<f32, MATRIX_COLUMNS, MATRIX_ROWS>;

/// [row, input]
var<workgroup> x_tile: array<scalar, 64u * X_STRIDE>;
/// [input, output]
var<workgroup> weight_tile: array<scalar, DEPTH * WEIGHT_STRIDE>;
/// A matrix of sums for each quarter.
var<workgroup> sums_tile: array<f32, 4u * MATRIX>;

var<workgroup> counted: atomic<u32>;

/// Which threads make a subgroup is the GPU's to say, and not their numbers': each subgroup takes the next number.
fn number_of_subgroup() -> u32 {
  var number = 0u;
  // Some drivers zero workgroup memory at the start of every subgroup.
  workgroupBarrier();
  if (subgroupElect()) {
    number = atomicAdd(&counted, 1u);
  }
  return subgroupBroadcastFirst(number);
}

fn stage_x(first_row: u32, first_input: u32, thread: u32) {
  let last_row = row_count() - 1u;
  for (var i = 0u; i < (16u * DEPTH + THREADS - 1u) / THREADS; i++) {
    let slot = i * THREADS + thread;
    if (slot < 16u * DEPTH) {
      let row = slot / (DEPTH / 4u);
      let k = slot % (DEPTH / 4u);
      var values = vec4<scalar>();
      if (first_input + k < INPUTS) {
        values = vec4<scalar>(x[min(first_row + row, last_row) * INPUTS + first_input + k]);
      }
      let at = row * X_STRIDE + k * 4u;
      x_tile[at] = values.x;
      x_tile[at + 1u] = values.y;
      x_tile[at + 2u] = values.z;
      x_tile[at + 3u] = values.w;
    }
  }
}

fn stage_weight(first_panel: u32, first_input: u32, thread: u32) {
  for (var i = 0u; i < (4u * DEPTH + THREADS - 1u) / THREADS; i++) {
    let slot = i * THREADS + thread;
    if (slot < 4u * DEPTH) {
      let panel = slot / (DEPTH / 2u);
      let k = slot / 2u % (DEPTH / 4u);
      let half = slot % 2u;
      var block = mat4x4<scalar>();
      if (first_panel + panel < PANELS && first_input + k < INPUTS) {
        block = weight[((first_panel + panel) * INPUTS + first_input + k) * 2u + half];
      }
      for (var input = 0u; input < 4u; input++) {
        let at = (k * 4u + input) * WEIGHT_STRIDE + panel * 8u + half * 4u;
        weight_tile[at] = block[input].x;
        weight_tile[at + 1u] = block[input].y;
        weight_tile[at + 2u] = block[input].z;
        weight_tile[at + 3u] = block[input].w;
      }
    }
  }
}

@compute @workgroup_size(THREADS)
fn matrix(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_invocation_id) lane: u32,
  @builtin(subgroup_size) lanes: u32,
) {
  let first_row = workgroup.y * 64u;
  let first_panel = workgroup.x * 8u;
  let quarter = number_of_subgroup() % 4u;
  let quarter_row = quarter / 2u * 32u;
  let quarter_column = quarter % 2u * 32u;

  var sums: array<Sums, DOWN * ACROSS>;
  for (var stage = 0u; stage < (INPUTS * 4u + DEPTH - 1u) / DEPTH; stage++) {
    stage_x(first_row, stage * DEPTH / 4u, thread);
    stage_weight(first_panel, stage * DEPTH / 4u, thread);
    workgroupBarrier();
    for (var step = 0u; step < DEPTH / MATRIX_DEPTH; step++) {
      let k = step * MATRIX_DEPTH;
      var right: array<Right, ACROSS>;
      for (var j = 0u; j < ACROSS; j++) {
        let at = k * WEIGHT_STRIDE + quarter_column + j * MATRIX_COLUMNS;
        right[j] = subgroupMatrixLoad<Right, row_major>(&weight_tile, at, WEIGHT_STRIDE);
      }
      for (var i = 0u; i < DOWN; i++) {
        let at = (quarter_row + i * MATRIX_ROWS) * X_STRIDE + k;
        let left = subgroupMatrixLoad<Left, row_major>(&x_tile, at, X_STRIDE);
        for (var j = 0u; j < ACROSS; j++) {
          sums[i * ACROSS + j] = subgroupMatrixMultiplyAccumulate(left, right[j], sums[i * ACROSS + j]);
        }
      }
    }
    workgroupBarrier();
  }

  // One matrix after the other through one piece of code: a copy for each compiles for seconds.
  for (var turn = 0u; turn < DOWN * ACROSS; turn++) {
    for (var i = 0u; i < DOWN * ACROSS; i++) {
      if (i == turn) {
        subgroupMatrixStore<row_major>(&sums_tile, quarter * MATRIX, sums[i], MATRIX_COLUMNS);
      }
    }
    workgroupBarrier();
    let matrix_row = first_row + quarter_row + turn / ACROSS * MATRIX_ROWS;
    let matrix_panel = first_panel + (quarter_column + turn % ACROSS * MATRIX_COLUMNS) / 8u;
    for (var slot = lane; slot < MATRIX / 8u; slot += lanes) {
      let row = matrix_row + slot / (MATRIX_COLUMNS / 8u);
      let panel = matrix_panel + slot % (MATRIX_COLUMNS / 8u);
      if (row < row_count() && panel < PANELS) {
        let at = quarter * MATRIX + slot * 8u;
        store(row, panel * 2u, mat2x4f(
          sums_tile[at], sums_tile[at + 1u], sums_tile[at + 2u], sums_tile[at + 3u],
          sums_tile[at + 4u], sums_tile[at + 5u], sums_tile[at + 6u], sums_tile[at + 7u]));
      }
    }
    workgroupBarrier();
  }
}
