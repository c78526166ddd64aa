// Scores of attention: y = q kᵀ SCALE + bias, for each image, head and query
//
//   qkv    [images * TOKENS, 3 * HEADS * VECTORS] vec4s: queries of every head, then keys, then values
//   table  [HEADS, BIASES], any buffer without RELATIVE_BIAS: as in attention.wgsl, with the same function (a test holds
//          them equal)
//   y      [images * HEADS * TOKENS, STEPS] vec4s: one row per query, a score per key; past the last key anything
//
// With softmax.wgsl and attention-values.wgsl after it, it is what attention.wgsl does without storing a score: for those who
// ask for attention maps, and for software adapters, with attention-scores.subgroups.wgsl. A thread computes the
// scores of one query against four keys (grid: keys fastest, then queries; heads; images).

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

/// Where the queries of a head begin, its keys WIDTH further. Past the last token the last one is read again.
fn first_vectors(token: vec4u, head: u32, image: u32) -> vec4u {
  return (image * TOKENS + min(token, vec4u(TOKENS - 1u))) * STRIDE + head * VECTORS;
}

/// Scores of a query and four keys with what is added to them; those of keys that the query does not see are LOWEST.
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

fn first_score(query: u32, head: u32, image: u32) -> u32 {
  return ((image * HEADS + head) * TOKENS + query) * STEPS;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let step = id.x % STEPS;
  let query = id.x / STEPS;
  if (query >= TOKENS) {
    return;
  }
  let wanted = step * 4u + vec4u(0u, 1u, 2u, 3u);
  let q = first_vectors(vec4u(query), id.y, id.z).x;
  let k = first_vectors(wanted, id.y, id.z) + WIDTH;
  var products = vec4f();
  for (var i = 0u; i < VECTORS; i++) {
    products += qkv[q + i] * mat4x4f(qkv[k.x + i], qkv[k.y + i], qkv[k.z + i], qkv[k.w + i]);
  }
  y[first_score(query, id.y, id.z) + step] = finished(products, query, id.y, wanted);
}
