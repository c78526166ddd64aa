// The weighted sum of values: y = weights v, for each image, head and query
//
//   weights  [images * HEADS * TOKENS, STRIDE] floats: one row per query, of which the first TOKENS count
//   qkv      [images * TOKENS, 3 * HEADS * VECTORS] vec4s: queries of every head, then keys, then values
//   y        [images * TOKENS, HEADS * VECTORS] vec4s
//
// Only for those who ask for attention maps: the network itself uses attention.wgsl, which stores no weights. A thread
// computes one vec4 of y (grid: columns fastest, then queries; images).

const TOKENS = 197u;
const HEADS = 3u;
const VECTORS = 16u;

const WIDTH = HEADS * VECTORS;
const STRIDE = (TOKENS + 3u) / 4u * 4u;

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x % WIDTH;
  let query = id.x / WIDTH;
  if (query >= TOKENS) {
    return;
  }
  let head = column / VECTORS;
  let first = id.z * TOKENS;
  let row = ((id.z * HEADS + head) * TOKENS + query) * STRIDE;
  var sum = vec4f();
  for (var key = 0u; key < TOKENS; key++) {
    sum += weights[row + key] * qkv[(first + key) * 3u * WIDTH + 2u * WIDTH + column];
  }
  y[(first + query) * WIDTH + column] = sum;
}
