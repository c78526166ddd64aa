// The weighted sum of values: y = weights v, for each image, head and query
//
//   weights  [images * HEADS * TOKENS, STEPS] vec4s: one row per query, a weight per key; past the last key zeros
//   qkv      [images * TOKENS, 3 * HEADS * VECTORS] vec4s: queries of every head, then keys, then values
//   y        [images * TOKENS, HEADS * VECTORS] vec4s
//
// A thread computes 8 queries x 8 columns of a head, as matmul.wgsl does (grid: columns fastest, then queries; heads;
// images). What for: see attention-scores.wgsl.

const TOKENS = 197u;
const HEADS = 3u;
const VECTORS = 16u;

const WIDTH = HEADS * VECTORS;
const STEPS = (TOKENS + 3u) / 4u;
const PANELS = (VECTORS + 1u) / 2u;

@group(0) @binding(0) var<storage, read> weights: array<vec4f>;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

/// Where the weights of a query begin. Past the last query the last one is read again.
fn first_weights(query: u32, head: u32, image: u32) -> u32 {
  return ((image * HEADS + head) * TOKENS + min(query, TOKENS - 1u)) * STEPS;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let panel = id.x % PANELS;
  let query = id.x / PANELS * 8u;
  if (query >= TOKENS) {
    return;
  }
  let column = id.y * VECTORS + panel * 2u;
  let w0 = first_weights(query, id.y, id.z);
  let w1 = first_weights(query + 1u, id.y, id.z);
  let w2 = first_weights(query + 2u, id.y, id.z);
  let w3 = first_weights(query + 3u, id.y, id.z);
  let w4 = first_weights(query + 4u, id.y, id.z);
  let w5 = first_weights(query + 5u, id.y, id.z);
  let w6 = first_weights(query + 6u, id.y, id.z);
  let w7 = first_weights(query + 7u, id.y, id.z);

  var y0 = mat2x4f();
  var y1 = mat2x4f();
  var y2 = mat2x4f();
  var y3 = mat2x4f();
  var y4 = mat2x4f();
  var y5 = mat2x4f();
  var y6 = mat2x4f();
  var y7 = mat2x4f();
  for (var i = 0u; i < STEPS; i++) {
    let x0 = weights[w0 + i];
    let x1 = weights[w1 + i];
    let x2 = weights[w2 + i];
    let x3 = weights[w3 + i];
    let x4 = weights[w4 + i];
    let x5 = weights[w5 + i];
    let x6 = weights[w6 + i];
    let x7 = weights[w7 + i];
    let key = min(i * 4u + vec4u(0u, 1u, 2u, 3u), vec4u(TOKENS - 1u));
    let v = (id.z * TOKENS + key) * 3u * WIDTH + 2u * WIDTH + column;
    let left = mat4x4f(qkv[v.x], qkv[v.y], qkv[v.z], qkv[v.w]);
    let right = mat4x4f(qkv[v.x + 1u], qkv[v.y + 1u], qkv[v.z + 1u], qkv[v.w + 1u]);
    y0 += mat2x4f(left * x0, right * x0);
    y1 += mat2x4f(left * x1, right * x1);
    y2 += mat2x4f(left * x2, right * x2);
    y3 += mat2x4f(left * x3, right * x3);
    y4 += mat2x4f(left * x4, right * x4);
    y5 += mat2x4f(left * x5, right * x5);
    y6 += mat2x4f(left * x6, right * x6);
    y7 += mat2x4f(left * x7, right * x7);
  }

  let sums = array(y0, y1, y2, y3, y4, y5, y6, y7);
  for (var r = 0u; r < 8u && query + r < TOKENS; r++) {
    let at = (id.z * TOKENS + query + r) * WIDTH + column;
    y[at] = sums[r][0];
    // The last panel of a head may be half outside.
    if (panel * 2u + 1u < VECTORS) {
      y[at + 1u] = sums[r][1];
    }
  }
}
