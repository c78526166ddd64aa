// Multi-head attention: y = softmax(q kᵀ SCALE + bias) v, for each image and head
//
//   queries  [images * TOKENS, 3 * HEADS * VECTORS] vec4s: queries of every head, then keys, then values
//   keys     the same buffer; with SHARED_QUERY queries is [1, HEADS * VECTORS], one query for all images, and
//            keys [images * TOKENS, 2 * HEADS * VECTORS]: keys of every head, then values
//   table    [HEADS, BIASES], any buffer without RELATIVE_BIAS: what is added to a score by the difference between the
//            patches of query and key, which lie in rows of GRID_COLUMNS behind the class token
//   y        [images * QUERIES, HEADS * VECTORS] vec4s
//
// Keys of tokens before FIRST do not count.
//
// A thread owns one query of one head (grid: queries, heads, images). It goes over the keys four at a time with an
// online softmax: it keeps the largest score so far, the sum of the exponentials and the weighted sum of values, and
// rescales both sums when a larger score appears. No score is ever stored, and qkv is read in place.
// Heads are padded with zeros to whole vec4s. The loops over a head stay loops: unrolled they compile for seconds.
//
// One entry point per way to split the work; attention.tiled.wgsl and attention.subgroups.wgsl continue this file:
//
//   direct  As above. No workgroup memory.

const TOKENS = 197u;
const HEADS = 3u;
const VECTORS = 16u;
const SCALE = 0.125f;
const CAUSAL = false;
const SHARED_QUERY = false;
const FIRST = 0u;
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

/// Scores of a query and four keys with what is added to them; those that do not count are LOWEST.
fn finished(products: vec4f, query: u32, head: u32, wanted: vec4u) -> vec4f {
  var scores = products;
  if (RELATIVE_BIAS) {
    let at = head * BIASES + bias_index(query, min(wanted, vec4u(TOKENS - 1u)));
    scores += vec4f(table[at.x], table[at.y], table[at.z], table[at.w]);
  }
  scores = select(vec4f(LOWEST), scores, wanted < vec4u(TOKENS));
  if (FIRST > 0u) {
    scores = select(vec4f(LOWEST), scores, wanted >= vec4u(FIRST));
  }
  if (CAUSAL) {
    scores = select(vec4f(LOWEST), scores, wanted <= vec4u(query));
  }
  return scores;
}

/// The online softmax of a query, after four more keys.
struct Softmax {
  largest: f32,
  total: f32,
  /// What the sums so far are to be multiplied by, and what each of the four values counts.
  rescale: f32,
  weights: vec4f,
}

fn next(softmax: Softmax, scores: vec4f) -> Softmax {
  let largest = max(softmax.largest, max_of(scores));
  let rescale = exp(softmax.largest - largest);
  let weights = exp(scores - largest);
  return Softmax(largest, softmax.total * rescale + dot(weights, vec4f(1.0)), rescale, weights);
}

fn first_query_vector(query: u32, head: u32, image: u32) -> u32 {
  return select((image * TOKENS + query) * 3u * WIDTH, 0u, SHARED_QUERY) + head * VECTORS;
}

/// Where keys of a head begin, the values WIDTH further. Past the last token the last one is read again.
fn first_key_vectors(wanted: vec4u, head: u32, image: u32) -> vec4u {
  return (image * TOKENS + min(wanted, vec4u(TOKENS - 1u))) * KEY_STRIDE + FIRST_KEY + head * VECTORS;
}

fn first_vector_of_y(query: u32, head: u32, image: u32) -> u32 {
  return (image * QUERIES + query) * WIDTH + head * VECTORS;
}

@compute @workgroup_size(32)
fn direct(@builtin(global_invocation_id) id: vec3u) {
  let query = id.x;
  if (query >= QUERIES) {
    return;
  }
  let query_at = first_query_vector(query, id.y, id.z);
  var q: array<vec4f, VECTORS>;
  for (var i = 0u; i < VECTORS; i++) {
    q[i] = queries[query_at + i] * SCALE;
  }

  var softmax = Softmax(LOWEST, 0.0, 0.0, vec4f());
  var sum: array<vec4f, VECTORS>;
  for (var step = 0u; step < STEPS; step++) {
    let wanted = step * 4u + vec4u(0u, 1u, 2u, 3u);
    let k = first_key_vectors(wanted, id.y, id.z);
    var products = vec4f();
    for (var i = 0u; i < VECTORS; i++) {
      products += q[i] * mat4x4f(keys[k.x + i], keys[k.y + i], keys[k.z + i], keys[k.w + i]);
    }
    softmax = next(softmax, finished(products, query, id.y, wanted));
    let v = k + WIDTH;
    for (var i = 0u; i < VECTORS; i++) {
      let values = mat4x4f(keys[v.x + i], keys[v.y + i], keys[v.z + i], keys[v.w + i]);
      sum[i] = sum[i] * softmax.rescale + values * softmax.weights;
    }
  }

  let y_at = first_vector_of_y(query, id.y, id.z);
  for (var i = 0u; i < VECTORS; i++) {
    y[y_at + i] = sum[i] / softmax.total;
  }
}
