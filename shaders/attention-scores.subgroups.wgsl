// Continues attention-scores.wgsl for GPUs with subgroups: an entry point more
//
//   subgroups  8 queries x 8 keys per thread, as matmul.subgroups.wgsl computes a product: four neighbours of a subgroup, a
//              quad, have the same queries; of every 8 vec4s of them each loads two, and gets the others from its neighbours.
//
// On software adapters time goes into loads: this has an eighth of what `main` has.

enable subgroups;

const PANELS = (STEPS + 1u) / 2u;
const PANELS_OF_QUADS = (PANELS + 3u) / 4u;

/// Scores of a query and 8 keys.
fn store(query: u32, panel: u32, id: vec3u, sums: mat2x4f) {
  if (query < TOKENS) {
    let at = first_score(query, id.y, id.z) + panel * 2u;
    let wanted = panel * 8u + vec4u(0u, 1u, 2u, 3u);
    y[at] = finished(sums[0], query, id.y, wanted);
    // The last panel may be half outside.
    if (panel * 2u + 1u < STEPS) {
      y[at + 1u] = finished(sums[1], query, id.y, wanted + 4u);
    }
  }
}

@compute @workgroup_size(64)
fn subgroups(@builtin(global_invocation_id) id: vec3u) {
  let lane = id.x % 4u;
  let tile = id.x / 4u;
  let panel = tile % PANELS_OF_QUADS * 4u + lane;
  let query = tile / PANELS_OF_QUADS * 8u;
  let wanted = panel * 8u + vec4u(0u, 1u, 2u, 3u);
  let k = first_vectors(wanted, id.y, id.z) + WIDTH;
  let far_k = first_vectors(wanted + 4u, id.y, id.z) + WIDTH;
  let q = first_vectors(query + lane + vec4u(0u, 4u, 0u, 0u), id.y, id.z);

  var y0 = mat2x4f();
  var y1 = mat2x4f();
  var y2 = mat2x4f();
  var y3 = mat2x4f();
  var y4 = mat2x4f();
  var y5 = mat2x4f();
  var y6 = mat2x4f();
  var y7 = mat2x4f();
  for (var i = 0u; i < VECTORS; i++) {
    let own = qkv[q.x + i];
    let other = qkv[q.y + i];
    let w0 = transpose(mat4x4f(qkv[k.x + i], qkv[k.y + i], qkv[k.z + i], qkv[k.w + i]));
    let w1 = transpose(mat4x4f(qkv[far_k.x + i], qkv[far_k.y + i], qkv[far_k.z + i], qkv[far_k.w + i]));
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
