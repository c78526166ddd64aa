// Softmax of each row: y = exp(x - max) / Σ exp(x - max)
//
//   x, y  [rows, VECTORS] vec4s, of which the first COLUMNS floats count; the rest of y becomes zero
//
// LANES threads take a row, each of them every LANES-th vec4 (grid: ROWS rows, over two dimensions, since one allows 65,535):
// rows are short and many, those of attention. The largest element is subtracted first, so that no exponential overflows.

const COLUMNS = 1000u;

const VECTORS = (COLUMNS + 3u) / 4u;
const LANES = 4u;
const ROWS = 16u;
const STEPS = (VECTORS + LANES - 1u) / LANES;
const LOWEST = -3.4e38f;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

var<workgroup> partial: array<f32, 64>;

fn counts(vector: u32) -> vec4<bool> {
  return vector * 4u + vec4u(0u, 1u, 2u, 3u) < vec4u(COLUMNS);
}

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) thread: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let row = ((workgroup.y * workgroups.x + workgroup.x) * ROWS + thread.y) * VECTORS;
  let inside = row < arrayLength(&y);
  let first = thread.y * LANES;

  var most = vec4f(LOWEST);
  for (var i = 0u; i < STEPS; i++) {
    let k = i * LANES + thread.x;
    most = max(most, select(vec4f(LOWEST), x[row + k], counts(k)));
  }
  partial[index] = max(max(most.x, most.y), max(most.z, most.w));
  workgroupBarrier();
  var largest = LOWEST;
  for (var i = 0u; i < LANES; i++) {
    largest = max(largest, partial[first + i]);
  }
  workgroupBarrier();

  var sum = vec4f();
  for (var i = 0u; i < STEPS; i++) {
    let k = i * LANES + thread.x;
    if (inside && k < VECTORS) {
      let power = select(vec4f(), exp(x[row + k] - largest), counts(k));
      sum += power;
      y[row + k] = power;
    }
  }
  partial[index] = dot(sum, vec4f(1.0));
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < LANES; i++) {
    total += partial[first + i];
  }

  for (var i = 0u; i < STEPS; i++) {
    let k = i * LANES + thread.x;
    if (inside && k < VECTORS) {
      y[row + k] /= total;
    }
  }
}
