// Continues matmul.wgsl for many rows on GPUs whose workgroups have memory of their own; with NORM x is first normalised as
// in layer-norm.wgsl
//
//   norm    [2, INPUTS] vec4s: weight and bias of the norm; any buffer without NORM
//
//   staged  64 threads compute THREAD_ROWS * 8 x 64, and share what they load.
//
// With NORM each workgroup first finds mean and variance of its rows, of which WIDTH columns count.

const NORM = false;
const WIDTH = 192u;
const EPSILON = 1e-6f;
const THREAD_ROWS = 8u;

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
      block = mat4x4f(weight_block(panel, k, index % 2u));
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
