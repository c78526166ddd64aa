// Continues attention-scores.wgsl for GPUs with subgroups: an entry point more
//
//   subgroups  12 queries x 4 keys per thread, as matmul.subgroups.wgsl computes a product: four neighbours of a subgroup, a
//              quad, have the same queries; of every 12 vec4s of them each loads three, and gets the others from its neighbours.
//
// On software adapters time goes into loads: this has less than an eighth of what `main` has.

enable subgroups;

const STEPS_OF_QUADS = (STEPS + 3u) / 4u;

@compute @workgroup_size(64)
fn subgroups(@builtin(global_invocation_id) id: vec3u) {
  let lane = id.x % 4u;
  let tile = id.x / 4u;
  let step = tile % STEPS_OF_QUADS * 4u + lane;
  let query = tile / STEPS_OF_QUADS * 12u;
  let wanted = step * 4u + vec4u(0u, 1u, 2u, 3u);
  let k = first_vectors(wanted, id.y, id.z) + WIDTH;
  let q = first_vectors(query + lane + vec4u(0u, 4u, 8u, 0u), id.y, id.z);

  var sums = array<vec4f, 12>();
  for (var i = 0u; i < VECTORS; i++) {
    let x0 = qkv[q.x + i];
    let x1 = qkv[q.y + i];
    let x2 = qkv[q.z + i];
    let w = transpose(mat4x4f(qkv[k.x + i], qkv[k.y + i], qkv[k.z + i], qkv[k.w + i]));
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
    if (query + r < TOKENS && step < STEPS) {
      y[first_score(query + r, id.y, id.z) + step] = finished(all[r], query + r, id.y, wanted);
    }
  }
}
