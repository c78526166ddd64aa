// Softmax of each row: y = exp(x - max) / Σ exp(x - max)
//
//   x, y  [rows, VECTORS] vec4s, of which the first COLUMNS floats count; the rest of y becomes zero
//
// A thread takes a row (grid: 64 rows, over two dimensions, since one allows 65,535): rows are short and many, those of
// attention. The largest element is subtracted first, so that no exponential overflows.

const COLUMNS = 1000u;

const VECTORS = (COLUMNS + 3u) / 4u;
const LOWEST = -3.4e38f;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

fn counts(vector: u32) -> vec4<bool> {
  return vector * 4u + vec4u(0u, 1u, 2u, 3u) < vec4u(COLUMNS);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = ((workgroup.y * workgroups.x + workgroup.x) * 64u + thread) * VECTORS;
  if (row >= arrayLength(&y)) {
    return;
  }

  var most = vec4f(LOWEST);
  for (var i = 0u; i < VECTORS; i++) {
    most = max(most, select(vec4f(LOWEST), x[row + i], counts(i)));
  }
  let largest = max(max(most.x, most.y), max(most.z, most.w));

  var sum = vec4f();
  for (var i = 0u; i < VECTORS; i++) {
    let power = select(vec4f(), exp(x[row + i] - largest), counts(i));
    sum += power;
    y[row + i] = power;
  }

  let scale = 1.0 / dot(sum, vec4f(1.0));
  for (var i = 0u; i < VECTORS; i++) {
    y[row + i] *= scale;
  }
}
