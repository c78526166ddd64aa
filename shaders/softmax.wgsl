// Softmax of each row: y = exp(x - max) / Σ exp(x - max)
//
//   x, y  [rows, STRIDE] floats, of which the first COLUMNS count; the rest of y is left as it is
//
// A workgroup of LANES threads takes a row, each thread every LANES-th element (grid: rows, over two dimensions, since
// one allows 65,535). The largest element is subtracted first, so that no exponential overflows.

const COLUMNS = 1000u;
const STRIDE = 1000u;
const LANES = 64u;

const STEPS = (COLUMNS + LANES - 1u) / LANES;
const LOWEST = -3.4e38f;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

var<workgroup> partial: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (workgroup.y * workgroups.x + workgroup.x) * STRIDE;
  if (row >= arrayLength(&y)) {
    return;
  }

  var largest = LOWEST;
  for (var i = 0u; i < STEPS; i++) {
    let column = i * LANES + lane;
    if (column < COLUMNS) {
      largest = max(largest, x[row + column]);
    }
  }
  partial[lane] = largest;
  workgroupBarrier();
  for (var i = 0u; i < LANES; i++) {
    largest = max(largest, partial[i]);
  }
  workgroupBarrier();

  var total = 0.0;
  for (var i = 0u; i < STEPS; i++) {
    let column = i * LANES + lane;
    if (column < COLUMNS) {
      total += exp(x[row + column] - largest);
    }
  }
  partial[lane] = total;
  workgroupBarrier();
  total = 0.0;
  for (var i = 0u; i < LANES; i++) {
    total += partial[i];
  }

  for (var i = 0u; i < STEPS; i++) {
    let column = i * LANES + lane;
    if (column < COLUMNS) {
      y[row + column] = exp(x[row + column] - largest) / total;
    }
  }
}
