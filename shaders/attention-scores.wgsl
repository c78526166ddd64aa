// Scores of attention: y = q kᵀ SCALE + bias, for each image, head and query
//
//   qkv    [images * TOKENS, 3 * HEADS * VECTORS] vec4s: queries of every head, then keys, then values
//   table  [HEADS, BIASES], any buffer without RELATIVE_BIAS: as in attention.wgsl, with the same function (a test holds
//          them equal)
//   y      [images * HEADS * TOKENS, STEPS] vec4s: one row per query, a score per key; past the last key anything
//
// Only for those who ask for attention maps: the network itself uses attention.wgsl, which stores no scores. A thread
// computes the scores of one query against four keys (grid: keys fastest, then queries; heads; images).

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

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let step = id.x % STEPS;
  let query = id.x / STEPS;
  if (query >= TOKENS) {
    return;
  }
  let column = id.y * VECTORS;
  let first = id.z * TOKENS;
  let key = min(step * 4u + vec4u(0u, 1u, 2u, 3u), vec4u(TOKENS - 1u));
  let q = (first + query) * STRIDE + column;
  let k = (first + key) * STRIDE + WIDTH + column;
  var scores = vec4f();
  for (var i = 0u; i < VECTORS; i++) {
    scores += qkv[q + i] * mat4x4f(qkv[k.x + i], qkv[k.y + i], qkv[k.z + i], qkv[k.w + i]);
  }
  scores *= SCALE;
  if (RELATIVE_BIAS) {
    let at = id.y * BIASES + bias_index(query, key);
    scores += vec4f(table[at.x], table[at.y], table[at.z], table[at.w]);
  }
  if (CAUSAL) {
    scores = select(vec4f(LOWEST), scores, key <= vec4u(query));
  }
  y[((id.z * HEADS + id.y) * TOKENS + query) * STEPS + step] = scores;
}
