// Continues matmul.wgsl for GPUs with subgroup matrices: an entry point more
//
//   matrix  The same without `norm`.
//
// A workgroup of four subgroups computes 64 rows x 64 columns, each subgroup a quarter as matrices of MATRIX_ROWS x
// MATRIX_COLUMNS. x and weight come through workgroup memory as plain tiles of rows, STAGE_DEPTH inputs at once, with zeros past
// the last input and output: no matrix is ever loaded from beyond an end. x is rounded to the type of the weight; sums are
// f32, and so is what follows.
//
// The constants of the matrix, and LANES, the largest size of a subgroup, are the adapter's. Where its subgroups turn out
// smaller there are more of them than quarters: those that are left over stage what all multiply, and store nothing.

enable subgroups;
enable chromium_experimental_subgroup_matrix;
// That a subgroup's number is the same in all its threads is more than the compiler can see.
diagnostic(off, chromium.subgroup_matrix_uniformity);

const MATRIX_ROWS = 8u;
const MATRIX_COLUMNS = 8u;
const MATRIX_DEPTH = 8u;
const LANES = 32u;
const STAGE_DEPTH = 16u;

const THREADS = 4u * LANES;
const DOWN = 32u / MATRIX_ROWS;
const ACROSS = 32u / MATRIX_COLUMNS;
const MATRIX = MATRIX_ROWS * MATRIX_COLUMNS;
/// Eight elements more than a row has, so that rows do not fall on the same banks of memory.
const X_STRIDE = STAGE_DEPTH + 8u;
const WEIGHT_STRIDE = 72u;

alias Left = subgroup_matrix_left<scalar, MATRIX_DEPTH, MATRIX_ROWS>;
alias Right = subgroup_matrix_right<scalar, MATRIX_COLUMNS, MATRIX_DEPTH>;
alias Sums = subgroup_matrix_result<f32, MATRIX_COLUMNS, MATRIX_ROWS>;

/// [row, input]
var<workgroup> x_stage: array<scalar, 64u * X_STRIDE>;
/// [input, output]
var<workgroup> weight_stage: array<scalar, STAGE_DEPTH * WEIGHT_STRIDE>;
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
  for (var i = 0u; i < (16u * STAGE_DEPTH + THREADS - 1u) / THREADS; i++) {
    let slot = i * THREADS + thread;
    if (slot < 16u * STAGE_DEPTH) {
      let row = slot / (STAGE_DEPTH / 4u);
      let k = slot % (STAGE_DEPTH / 4u);
      var values = vec4<scalar>();
      if (first_input + k < INPUTS) {
        values = vec4<scalar>(x[min(first_row + row, last_row) * INPUTS + first_input + k]);
      }
      let at = row * X_STRIDE + k * 4u;
      x_stage[at] = values.x;
      x_stage[at + 1u] = values.y;
      x_stage[at + 2u] = values.z;
      x_stage[at + 3u] = values.w;
    }
  }
}

fn stage_weight(first_panel: u32, first_input: u32, thread: u32) {
  for (var i = 0u; i < (4u * STAGE_DEPTH + THREADS - 1u) / THREADS; i++) {
    let slot = i * THREADS + thread;
    if (slot < 4u * STAGE_DEPTH) {
      let panel = slot / (STAGE_DEPTH / 2u);
      let k = slot / 2u % (STAGE_DEPTH / 4u);
      let half = slot % 2u;
      var block = mat4x4<scalar>();
      if (first_panel + panel < PANELS && first_input + k < INPUTS) {
        block = weight_block(first_panel + panel, first_input + k, half);
      }
      for (var input = 0u; input < 4u; input++) {
        let at = (k * 4u + input) * WEIGHT_STRIDE + panel * 8u + half * 4u;
        weight_stage[at] = block[input].x;
        weight_stage[at + 1u] = block[input].y;
        weight_stage[at + 2u] = block[input].z;
        weight_stage[at + 3u] = block[input].w;
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
  let number = number_of_subgroup();
  let quarter = number % 4u;
  let quarter_row = quarter / 2u * 32u;
  let quarter_column = quarter % 2u * 32u;

  var sums: array<Sums, DOWN * ACROSS>;
  for (var stage = 0u; stage < (INPUTS * 4u + STAGE_DEPTH - 1u) / STAGE_DEPTH; stage++) {
    stage_x(first_row, stage * STAGE_DEPTH / 4u, thread);
    stage_weight(first_panel, stage * STAGE_DEPTH / 4u, thread);
    workgroupBarrier();
    for (var step = 0u; step < STAGE_DEPTH / MATRIX_DEPTH; step++) {
      let k = step * MATRIX_DEPTH;
      var right: array<Right, ACROSS>;
      for (var j = 0u; j < ACROSS; j++) {
        let at = k * WEIGHT_STRIDE + quarter_column + j * MATRIX_COLUMNS;
        right[j] = subgroupMatrixLoad<Right, row_major>(&weight_stage, at, WEIGHT_STRIDE);
      }
      for (var i = 0u; i < DOWN; i++) {
        let at = (quarter_row + i * MATRIX_ROWS) * X_STRIDE + k;
        let left = subgroupMatrixLoad<Left, row_major>(&x_stage, at, X_STRIDE);
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
      if (i == turn && number < 4u) {
        subgroupMatrixStore<row_major>(&sums_tile, quarter * MATRIX, sums[i], MATRIX_COLUMNS);
      }
    }
    workgroupBarrier();
    let matrix_row = first_row + quarter_row + turn / ACROSS * MATRIX_ROWS;
    let matrix_panel = first_panel + (quarter_column + turn % ACROSS * MATRIX_COLUMNS) / 8u;
    for (var slot = lane; slot < MATRIX / 8u; slot += lanes) {
      let row = matrix_row + slot / (MATRIX_COLUMNS / 8u);
      let panel = matrix_panel + slot % (MATRIX_COLUMNS / 8u);
      if (number < 4u && row < row_count() && panel < PANELS) {
        let at = quarter * MATRIX + slot * 8u;
        store(row, panel * 2u, mat2x4f(
          sums_tile[at], sums_tile[at + 1u], sums_tile[at + 2u], sums_tile[at + 3u],
          sums_tile[at + 4u], sums_tile[at + 5u], sums_tile[at + 6u], sums_tile[at + 7u]));
      }
    }
    workgroupBarrier();
  }
}
