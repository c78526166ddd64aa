// Continues attention-values.wgsl for GPUs with subgroups: an entry point more
//
//   subgroups  8 queries x 8 columns per thread, as matmul.subgroups.wgsl computes a product: four neighbours of a subgroup, a
//              quad, have the same queries; of every 8 vec4s of weights each loads two, and gets the others from its neighbours.

enable subgroups;

const PANELS = (VECTORS + 1u) / 2u;
const PANELS_OF_QUADS = (PANELS + 3u) / 4u;

/// Two vec4s of a head for a query.
fn store(query: u32, panel: u32, id: vec3u, sums: mat2x4f) {
  if (query < TOKENS) {
    let at = (id.z * TOKENS + query) * WIDTH + id.y * VECTORS + panel * 2u;
    y[at] = sums[0];
    // The last panel may be half outside.
    if (panel * 2u + 1u < VECTORS) {
      y[at + 1u] = sums[1];
    }
  }
}

@compute @workgroup_size(64)
fn subgroups(@builtin(global_invocation_id) id: vec3u) {
  let lane = id.x % 4u;
  let tile = id.x / 4u;
  let panel = tile % PANELS_OF_QUADS * 4u + lane;
  let query = tile / PANELS_OF_QUADS * 8u;
  // Past the last query the last one is read again.
  let row = first_weight(min(query + lane, TOKENS - 1u), id.y, id.z);
  let other_row = first_weight(min(query + lane + 4u, TOKENS - 1u), id.y, id.z);

  var y0 = mat2x4f();
  var y1 = mat2x4f();
  var y2 = mat2x4f();
  var y3 = mat2x4f();
  var y4 = mat2x4f();
  var y5 = mat2x4f();
  var y6 = mat2x4f();
  var y7 = mat2x4f();
  for (var i = 0u; i < STEPS; i++) {
    let own = weights[row + i];
    let other = weights[other_row + i];
    let v = first_values(i, id.y, id.z) + panel * 2u;
    let w0 = mat4x4f(qkv[v.x], qkv[v.y], qkv[v.z], qkv[v.w]);
    let w1 = mat4x4f(qkv[v.x + 1u], qkv[v.y + 1u], qkv[v.z + 1u], qkv[v.w + 1u]);
    let x0 = quadBroadcast(own, 0u);
    let x1 = quadBroadcast(own, 1u);
    let x2 = quadBroadcast(own, 2u);
    let x3 = quadBroadcast(own, 3u);
    let x4 = quadBroadcast(other, 0u);
    let x5 = quadBroadcast(other, 1u);
    let x6 = quadBroadcast(other, 2u);
    let x7 = quadBroadcast(other, 3u);
    y0 += mat2x4f(w0 * x0, w1 * x0);
    y1 += mat2x4f(w0 * x1, w1 * x1);
    y2 += mat2x4f(w0 * x2, w1 * x2);
    y3 += mat2x4f(w0 * x3, w1 * x3);
    y4 += mat2x4f(w0 * x4, w1 * x4);
    y5 += mat2x4f(w0 * x5, w1 * x5);
    y6 += mat2x4f(w0 * x6, w1 * x6);
    y7 += mat2x4f(w0 * x7, w1 * x7);
  }

  if (panel < PANELS) {
    let sums = array(y0, y1, y2, y3, y4, y5, y6, y7);
    // Eight calls would compile three times as long.
    for (var row = 0u; row < 8u; row++) {
      store(query + row, panel, id, sums[row]);
    }
  }
}
