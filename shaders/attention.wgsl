// Multi-head self-attention: y = softmax(q kᵀ SCALE) v, for each image and head
//
//   qkv  [images * TOKENS, 3 * HEADS * VECTORS] vec4s: queries of every head, then keys, then values
//   y    [images * TOKENS, HEADS * VECTORS] vec4s
//
// A thread owns one query of one head (grid: queries, heads, images). It goes over the keys four at a time with an
// online softmax: it keeps the largest score so far, the sum of the exponentials and the weighted sum of values, and
// rescales both sums when a larger score appears. No score is ever stored, and qkv is read in place.
// Heads are padded with zeros to whole vec4s. The loops over a head stay loops: unrolled they compile for seconds.

const TOKENS = 197u;
const HEADS = 3u;
const VECTORS = 16u;
const SCALE = 0.125f;

const WIDTH = HEADS * VECTORS;
const STRIDE = 3u * WIDTH;
const STEPS = (TOKENS + 3u) / 4u;
const LOWEST = -3.4e38f;

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

fn max_of(v: vec4f) -> f32 {
  return max(max(v.x, v.y), max(v.z, v.w));
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let query = id.x;
  let column = id.y * VECTORS;
  let first = id.z * TOKENS;
  if (query >= TOKENS) {
    return;
  }

  var q: array<vec4f, VECTORS>;
  for (var i = 0u; i < VECTORS; i++) {
    q[i] = qkv[(first + query) * STRIDE + column + i] * SCALE;
  }

  var largest = LOWEST;
  var total = 0.0;
  var sum: array<vec4f, VECTORS>;
  for (var step = 0u; step < STEPS; step++) {
    // Past the last token the last one is read again, and its score is masked.
    let keys = step * 4u + vec4u(0u, 1u, 2u, 3u);
    let rows = (first + min(keys, vec4u(TOKENS - 1u))) * STRIDE + column;

    let k = rows + WIDTH;
    var scores = vec4f();
    for (var i = 0u; i < VECTORS; i++) {
      scores += q[i] * mat4x4f(qkv[k.x + i], qkv[k.y + i], qkv[k.z + i], qkv[k.w + i]);
    }
    scores = select(vec4f(LOWEST), scores, keys < vec4u(TOKENS));

    let new_largest = max(largest, max_of(scores));
    let rescale = exp(largest - new_largest);
    let weights = exp(scores - new_largest);
    largest = new_largest;
    total = total * rescale + dot(weights, vec4f(1.0));

    let v = rows + 2u * WIDTH;
    for (var i = 0u; i < VECTORS; i++) {
      sum[i] = sum[i] * rescale + mat4x4f(qkv[v.x + i], qkv[v.y + i], qkv[v.z + i], qkv[v.w + i]) * weights;
    }
  }

  for (var i = 0u; i < VECTORS; i++) {
    y[(first + query) * WIDTH + column + i] = sum[i] / total;
  }
}
