// Continues attention-values.wgsl for GPUs with subgroups: an entry point more
//
//   subgroups  12 queries x 4 columns per thread, as matmul.subgroups.wgsl computes a product: four neighbours of a subgroup, a
//              quad, have the same queries; of every 12 vec4s of weights each loads three, and gets the others from its neighbours.

enable subgroups;

const VECTORS_OF_QUADS = (VECTORS + 3u) / 4u;

@compute @workgroup_size(64)
fn subgroups(@builtin(global_invocation_id) id: vec3u) {
  let lane = id.x % 4u;
  let tile = id.x / 4u;
  let column = tile % VECTORS_OF_QUADS * 4u + lane;
  let query = tile / VECTORS_OF_QUADS * 12u;
  // Past the last query and column the last one is read again.
  let own = min(query + lane + vec3u(0u, 4u, 8u), vec3u(TOKENS - 1u));
  let row = first_weight(0u, id.y, id.z) + own * STEPS;
  let vector = min(column, VECTORS - 1u);

  var sums = array<vec4f, 12>();
  for (var i = 0u; i < STEPS; i++) {
    let x0 = weights[row.x + i];
    let x1 = weights[row.y + i];
    let x2 = weights[row.z + i];
    let v = first_values(i, id.y, id.z) + vector;
    let w = mat4x4f(qkv[v.x], qkv[v.y], qkv[v.z], qkv[v.w]);
    sums[0] += w * quadBroadcast(x0, 0u);
    sums[1] += w * quadBroadcast(x0, 1u);
    sums[2] += w * quadBroadcast(x0, 2u);
    sums[3] += w * quadBroadcast(x0, 3u);
    sums[4] += w * quadBroadcast(x1, 0u);
    sums[5] += w * quadBroadcast(x1, 1u);
    sums[6] += w * quadBroadcast(x1, 2u);
    sums[7] += w * quadBroadcast(x1, 3u);
    sums[8] += w * quadBroadcast(x2, 0u);
    sums[9] += w * quadBroadcast(x2, 1u);
    sums[10] += w * quadBroadcast(x2, 2u);
    sums[11] += w * quadBroadcast(x2, 3u);
  }

  // A copy: an array with a variable index is slow to add to.
  let all = sums;
  for (var r = 0u; r < 12u; r++) {
    if (query + r < TOKENS && column < VECTORS) {
      y[(id.z * TOKENS + query + r) * WIDTH + id.y * VECTORS + column] = all[r];
    }
  }
}
