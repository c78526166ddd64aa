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
  // Past the last row and column the last one is read again: all threads of a quad are needed to the end.
  let block = min(column, OUTPUTS - 1u);
  let at = min(row + lane + vec3u(0u, 4u, 8u), vec3u(row_count() - 1u)) * INPUTS;

  var y0 = vec4f();
  var y1 = vec4f();
  var y2 = vec4f();
  var y3 = vec4f();
  var y4 = vec4f();
  var y5 = vec4f();
  var y6 = vec4f();
  var y7 = vec4f();
  var y8 = vec4f();
  var y9 = vec4f();
  var y10 = vec4f();
  var y11 = vec4f();
  for (var k = 0u; k < INPUTS; k++) {
    let x0 = x[at.x + k];
    let x1 = x[at.y + k];
    let x2 = x[at.z + k];
    let w = mat4x4f(weight_block(block / 2u, k, block % 2u));
    y0 += w * quadBroadcast(x0, 0u);
    y1 += w * quadBroadcast(x0, 1u);
    y2 += w * quadBroadcast(x0, 2u);
    y3 += w * quadBroadcast(x0, 3u);
    y4 += w * quadBroadcast(x1, 0u);
    y5 += w * quadBroadcast(x1, 1u);
    y6 += w * quadBroadcast(x1, 2u);
    y7 += w * quadBroadcast(x1, 3u);
    y8 += w * quadBroadcast(x2, 0u);
    y9 += w * quadBroadcast(x2, 1u);
    y10 += w * quadBroadcast(x2, 2u);
    y11 += w * quadBroadcast(x2, 3u);
  }

  let sums = array(y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11);
  for (var r = 0u; r < 12u; r++) {
    let sum = sums[r];
    let next = quadSwapX(sum);
    if (row + r < row_count() && column < OUTPUTS) {
      if (!SWIGLU) {
        store_vector((row + r) * OUTPUTS + column, column, sum);
      } else if (column % 2u == 0u) {
        store(row + r, column, mat2x4f(sum, next));
      }
    }
  }
}
