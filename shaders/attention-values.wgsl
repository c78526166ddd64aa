// The weighted sum of values: y = weights v, for each image, head and query
//
//   weights  [images * HEADS * TOKENS, STEPS] vec4s: one row per query, a weight per key; past the last key zeros
//   qkv      [images * TOKENS, 3 * HEADS * VECTORS] vec4s: queries of every head, then keys, then values
//   y        [images * TOKENS, HEADS * VECTORS] vec4s
//
// What for: see attention-scores.wgsl. A thread computes one vec4 of y (grid: columns of a head fastest, then queries; heads;
// images).

const TOKENS = 197u;
const HEADS = 3u;
const VECTORS = 16u;

const WIDTH = HEADS * VECTORS;
const STEPS = (TOKENS + 3u) / 4u;

@group(0) @binding(0) var<storage, read> weights: array<vec4f>;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

fn first_weight(query: u32, head: u32, image: u32) -> u32 {
  return ((image * HEADS + head) * TOKENS + query) * STEPS;
}

/// Where four values begin. Past the last key the last one is read again.
fn first_values(step: u32, head: u32, image: u32) -> vec4u {
  let key = min(step * 4u + vec4u(0u, 1u, 2u, 3u), vec4u(TOKENS - 1u));
  return (image * TOKENS + key) * 3u * WIDTH + 2u * WIDTH + head * VECTORS;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x % VECTORS;
  let query = id.x / VECTORS;
  if (query >= TOKENS) {
    return;
  }
  let row = first_weight(query, id.y, id.z);
  var sum = vec4f();
  for (var i = 0u; i < STEPS; i++) {
    let v = first_values(i, id.y, id.z) + column;
    sum += mat4x4f(qkv[v.x], qkv[v.y], qkv[v.z], qkv[v.w]) * weights[row + i];
  }
  y[(id.z * TOKENS + query) * WIDTH + id.y * VECTORS + column] = sum;
}
