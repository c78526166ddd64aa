// Continues attention.wgsl for GPUs whose workgroups have memory of their own
//
//   tiled   One query per thread; the threads of a workgroup load TILE_KEYS keys and values together, 8 KiB of them.

const TILE_KEYS = 16u;

const TILES = (TOKENS + TILE_KEYS - 1u) / TILE_KEYS;
const TILE_VECTORS = TILE_KEYS * VECTORS;

var<workgroup> key_tile: array<vec4f, TILE_VECTORS>;
var<workgroup> value_tile: array<vec4f, TILE_VECTORS>;

@compute @workgroup_size(32)
fn tiled(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) thread: u32) {
  // Past the last query it is done again: every thread must come to the barriers.
  let query = min(id.x, QUERIES - 1u);
  let query_at = first_query_vector(query, id.y, id.z);
  var q: array<vec4f, VECTORS>;
  for (var i = 0u; i < VECTORS; i++) {
    q[i] = queries[query_at + i] * SCALE;
  }

  var softmax = Softmax(LOWEST, 0.0, 0.0, vec4f());
  var sum: array<vec4f, VECTORS>;
  for (var tile = 0u; tile < TILES; tile++) {
    for (var i = 0u; i < (TILE_VECTORS + 31u) / 32u; i++) {
      let slot = i * 32u + thread;
      if (slot < TILE_VECTORS) {
        let at = first_key_vectors(vec4u(tile * TILE_KEYS + slot / VECTORS), id.y, id.z).x + slot % VECTORS;
        key_tile[slot] = keys[at];
        value_tile[slot] = keys[at + WIDTH];
      }
    }
    workgroupBarrier();

    for (var step = 0u; step < TILE_KEYS / 4u; step++) {
      let wanted = tile * TILE_KEYS + step * 4u + vec4u(0u, 1u, 2u, 3u);
      if (wanted.x < TOKENS) {
        let k = step * 4u * VECTORS;
        var products = vec4f();
        for (var i = 0u; i < VECTORS; i++) {
          let at = k + i;
          products += q[i] * mat4x4f(
            key_tile[at], key_tile[at + VECTORS], key_tile[at + 2u * VECTORS], key_tile[at + 3u * VECTORS]);
        }
        softmax = next(softmax, finished(products, query, id.y, wanted));
        for (var i = 0u; i < VECTORS; i++) {
          let at = k + i;
          let values = mat4x4f(
            value_tile[at], value_tile[at + VECTORS], value_tile[at + 2u * VECTORS], value_tile[at + 3u * VECTORS]);
          sum[i] = sum[i] * softmax.rescale + values * softmax.weights;
        }
      }
    }
    workgroupBarrier();
  }

  if (id.x < QUERIES) {
    let y_at = first_vector_of_y(query, id.y, id.z);
    for (var i = 0u; i < VECTORS; i++) {
      y[y_at + i] = sum[i] / softmax.total;
    }
  }
}
