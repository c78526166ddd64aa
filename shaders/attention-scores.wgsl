// Scores of attention: y = q kᵀ SCALE + bias, for each image, head and query
//
//   qkv    [images * TOKENS, 3 * HEADS * VECTORS] vec4s: queries of every head, then keys, then values
//   table  [HEADS, BIASES], any buffer without RELATIVE_BIAS: as in attention.wgsl, with the same function (a test holds
//          them equal)
//   y      [images * HEADS * TOKENS, STEPS] vec4s: one row per query, a score per key; past the last key anything
//
// A thread computes the scores of 8 queries against 8 keys, as matmul.wgsl does (grid: keys fastest, then queries; heads;
// images). Together with softmax.wgsl and attention-values.wgsl it does what attention.wgsl does without storing a score: for
// those who ask for attention maps, and for processors that imitate a GPU. They spend their time on loads, of which this has
// a third.

const TOKENS = 197u;
const HEADS = 3u;
const VECTORS = 16u;
const SCALE = 0.125f;
const CAUSAL = false;
const RELATIVE_BIAS = false;
const GRID_ROWS = 14u;
const GRID_COLUMNS = 14u;

const WIDTH = HEADS * VECTORS;
const STRIDE = 3u * WIDTH;
const STEPS = (TOKENS + 3u) / 4u;
const PANELS = (STEPS + 1u) / 2u;
const LOWEST = -3.4e38f;
const SPAN = 2u * GRID_COLUMNS - 1u;
const BIASES = (2u * GRID_ROWS - 1u) * SPAN + 3u;

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

/// Where the biases of a query and four keys stand in the table of a head. The last three are for the class token,
/// token 0: as query, as key, and as both.
fn bias_index(query: u32, key: vec4u) -> vec4u {
  if (query == 0u) {
    return select(vec4u(BIASES - 3u), vec4u(BIASES - 1u), key == vec4u(0u));
  }
  let corner = vec2u((query - 1u) / GRID_COLUMNS + GRID_ROWS, (query - 1u) % GRID_COLUMNS + GRID_COLUMNS) - 1u;
  let place = max(key, vec4u(1u)) - 1u;
  let row = corner.x - place / GRID_COLUMNS;
  let column = corner.y - place % GRID_COLUMNS;
  return select(row * SPAN + column, vec4u(BIASES - 2u), key == vec4u(0u));
}

/// Where a token's queries of a head begin, the keys WIDTH further. Past the last token the last one is read again.
fn first_vector(token: u32, head: u32, image: u32) -> u32 {
  return (image * TOKENS + min(token, TOKENS - 1u)) * STRIDE + head * VECTORS;
}

/// A score with what is added to it; those of keys that a query does not see are LOWEST.
fn finished(products: vec4f, query: u32, head: u32, wanted: vec4u) -> vec4f {
  let key = min(wanted, vec4u(TOKENS - 1u));
  var scores = products * SCALE;
  if (RELATIVE_BIAS) {
    let at = head * BIASES + bias_index(query, key);
    scores += vec4f(table[at.x], table[at.y], table[at.z], table[at.w]);
  }
  if (CAUSAL) {
    scores = select(vec4f(LOWEST), scores, key <= vec4u(query));
  }
  return scores;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let panel = id.x % PANELS;
  let query = id.x / PANELS * 8u;
  if (query >= TOKENS) {
    return;
  }
  let q0 = first_vector(query, id.y, id.z);
  let q1 = first_vector(query + 1u, id.y, id.z);
  let q2 = first_vector(query + 2u, id.y, id.z);
  let q3 = first_vector(query + 3u, id.y, id.z);
  let q4 = first_vector(query + 4u, id.y, id.z);
  let q5 = first_vector(query + 5u, id.y, id.z);
  let q6 = first_vector(query + 6u, id.y, id.z);
  let q7 = first_vector(query + 7u, id.y, id.z);
  let k0 = first_vector(panel * 8u, id.y, id.z) + WIDTH;
  let k1 = first_vector(panel * 8u + 1u, id.y, id.z) + WIDTH;
  let k2 = first_vector(panel * 8u + 2u, id.y, id.z) + WIDTH;
  let k3 = first_vector(panel * 8u + 3u, id.y, id.z) + WIDTH;
  let k4 = first_vector(panel * 8u + 4u, id.y, id.z) + WIDTH;
  let k5 = first_vector(panel * 8u + 5u, id.y, id.z) + WIDTH;
  let k6 = first_vector(panel * 8u + 6u, id.y, id.z) + WIDTH;
  let k7 = first_vector(panel * 8u + 7u, id.y, id.z) + WIDTH;

  var y0 = mat2x4f();
  var y1 = mat2x4f();
  var y2 = mat2x4f();
  var y3 = mat2x4f();
  var y4 = mat2x4f();
  var y5 = mat2x4f();
  var y6 = mat2x4f();
  var y7 = mat2x4f();
  for (var i = 0u; i < VECTORS; i++) {
    let x0 = qkv[q0 + i];
    let x1 = qkv[q1 + i];
    let x2 = qkv[q2 + i];
    let x3 = qkv[q3 + i];
    let x4 = qkv[q4 + i];
    let x5 = qkv[q5 + i];
    let x6 = qkv[q6 + i];
    let x7 = qkv[q7 + i];
    let near = mat4x4f(qkv[k0 + i], qkv[k1 + i], qkv[k2 + i], qkv[k3 + i]);
    let far = mat4x4f(qkv[k4 + i], qkv[k5 + i], qkv[k6 + i], qkv[k7 + i]);
    y0 += mat2x4f(x0 * near, x0 * far);
    y1 += mat2x4f(x1 * near, x1 * far);
    y2 += mat2x4f(x2 * near, x2 * far);
    y3 += mat2x4f(x3 * near, x3 * far);
    y4 += mat2x4f(x4 * near, x4 * far);
    y5 += mat2x4f(x5 * near, x5 * far);
    y6 += mat2x4f(x6 * near, x6 * far);
    y7 += mat2x4f(x7 * near, x7 * far);
  }

  let scores = array(y0, y1, y2, y3, y4, y5, y6, y7);
  let key = panel * 8u + vec4u(0u, 1u, 2u, 3u);
  for (var r = 0u; r < 8u && query + r < TOKENS; r++) {
    let at = ((id.z * HEADS + id.y) * TOKENS + query + r) * STEPS + panel * 2u;
    y[at] = finished(scores[r][0], query + r, id.y, key);
    if (panel * 2u + 1u < STEPS) {
      y[at + 1u] = finished(scores[r][1], query + r, id.y, key + 4u);
    }
  }
}
