// Continues matmul.wgsl for GPUs with subgroups: an entry point more
//
//   subgroups  12 x 4 per thread. Four neighbours of a subgroup, a quad, have the same rows and four neighbouring vec4s of
//              outputs: of every 12 vec4s of x each loads three, and gets the others from its neighbours.
//
// Every subgroup consists of quads, whatever its size. That a quad is four threads with numbers in a row, from a multiple of 4
// on, is what every GPU does and no standard says: where it is not so, the check before the first answer finds it out, and
// `direct` takes over.
//
// The tile is that of software adapters: with a larger one, what they make of a turn of the loop outgrows a core's cache for code.

enable subgroups;

const COLUMNS_OF_QUADS = (OUTPUTS + 3u) / 4u;

@compute @workgroup_size(64)
fn subgroups(@builtin(global_invocation_id) id: vec3u) {
  let lane = id.x % 4u;
  let tile = id.x / 4u;
  let column = tile % COLUMNS_OF_QUADS * 4u + lane;
  let row = tile / COLUMNS_OF_QUADS * 12u;
  let rows = row_count();
  // Past the last row and column the last one is read again: all threads of a quad are needed to the end.
  let block = min(column, OUTPUTS - 1u);
  let at = min(row + lane + vec3u(0u, 4u, 8u), vec3u(rows - 1u)) * INPUTS;

  var sums = array<vec4f, 12>();
  for (var k = 0u; k < INPUTS; k++) {
    let x0 = x[at.x + k];
    let x1 = x[at.y + k];
    let x2 = x[at.z + k];
    let w = mat4x4f(weight_block(block / 2u, k, block % 2u));
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
    let inside = row + r < rows && column < OUTPUTS;
    if (SWIGLU) {
      // An even column has the gates of the next one, which another thread has.
      let pair = mat2x4f(all[r], quadSwapX(all[r]));
      if (inside && column % 2u == 0u) {
        store(row + r, column, pair);
      }
    } else if (inside) {
      store_vector((row + r) * OUTPUTS + column, column, all[r]);
    }
  }
}
