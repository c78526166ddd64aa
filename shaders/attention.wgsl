// Multi-head attention: y = softmax(q kᵀ SCALE + bias) v, for each image and head
//
//   queries  [images * TOKENS, 3 * HEADS * VECTORS] vec4s: queries of every head, then keys, then values
//   keys     the same buffer; with SHARED_QUERY queries is [1, HEADS * VECTORS], one query for all images, and
//            keys [images * TOKENS, 2 * HEADS * VECTORS]: keys of every head, then values
//   table    [HEADS, BIASES], any buffer without RELATIVE_BIAS: what is added to a score by the difference between the
//            patches of query and key, which lie in rows of GRID_COLUMNS behind the class token
//   y        [images * QUERIES, HEADS * VECTORS] vec4s
//
// A thread owns one query of one head (grid: queries, heads, images). It goes over the keys four at a time with an
// online softmax: it keeps the largest score so far, the sum of the exponentials and the weighted sum of values, and
// rescales both sums when a larger score appears. No score is ever stored, and qkv is read in place.
// Heads are padded with zeros to whole vec4s. The loops over a head stay loops: unrolled they compile for seconds.

const TOKENS = 197u;
const HEADS = 3u;
const VECTORS = 16u;
const SCALE = 0.125f;
const CAUSAL = false;
const SHARED_QUERY = false;
const RELATIVE_BIAS = false;
const GRID_ROWS = 14u;
const GRID_COLUMNS = 14u;

const WIDTH = HEADS * VECTORS;
const QUERIES = select(TOKENS, 1u, SHARED_QUERY);
const KEY_STRIDE = select(3u, 2u, SHARED_QUERY) * WIDTH;
const FIRST_KEY = select(WIDTH, 0u, SHARED_QUERY);
const STEPS = (TOKENS + 3u) / 4u;
const LOWEST = -3.4e38f;
const SPAN = 2u * GRID_COLUMNS - 1u;
const BIASES = (2u * GRID_ROWS - 1u) * SPAN + 3u;

@group(0) @binding(0) var<storage, read> queries: array<vec4f>;
@group(0) @binding(1) var<storage, read> keys: array<vec4f>;
@group(0) @binding(2) var<storage, read> table: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

fn max_of(v: vec4f) -> f32 {
  return max(max(v.x, v.y), max(v.z, v.w));
}

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

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let query = id.x;
  let column = id.y * VECTORS;
  let first = id.z * TOKENS;
  if (query >= QUERIES) {
    return;
  }

  let query_at = select((first + query) * 3u * WIDTH, 0u, SHARED_QUERY) + column;
  var q: array<vec4f, VECTORS>;
  for (var i = 0u; i < VECTORS; i++) {
    q[i] = queries[query_at + i] * SCALE;
  }

  var largest = LOWEST;
  var total = 0.0;
  var sum: array<vec4f, VECTORS>;
  for (var step = 0u; step < STEPS; step++) {
    // Past the last token the last one is read again, and its score is masked.
    let wanted = step * 4u + vec4u(0u, 1u, 2u, 3u);
    let key = min(wanted, vec4u(TOKENS - 1u));
    let rows = (first + key) * KEY_STRIDE + column;

    let k = rows + FIRST_KEY;
    var scores = vec4f();
    for (var i = 0u; i < VECTORS; i++) {
      scores += q[i] * mat4x4f(keys[k.x + i], keys[k.y + i], keys[k.z + i], keys[k.w + i]);
    }
    if (RELATIVE_BIAS) {
      let at = id.y * BIASES + bias_index(query, key);
      scores += vec4f(table[at.x], table[at.y], table[at.z], table[at.w]);
    }
    scores = select(vec4f(LOWEST), scores, wanted < vec4u(TOKENS));
    if (CAUSAL) {
      scores = select(vec4f(LOWEST), scores, wanted <= vec4u(query));
    }

    let new_largest = max(largest, max_of(scores));
    let rescale = exp(largest - new_largest);
    let weights = exp(scores - new_largest);
    largest = new_largest;
    total = total * rescale + dot(weights, vec4f(1.0));

    let v = k + WIDTH;
    for (var i = 0u; i < VECTORS; i++) {
      sum[i] = sum[i] * rescale + mat4x4f(keys[v.x + i], keys[v.y + i], keys[v.z + i], keys[v.w + i]) * weights;
    }
  }

  for (var i = 0u; i < VECTORS; i++) {
    y[(id.z * QUERIES + query) * WIDTH + column + i] = sum[i] / total;
  }
}
