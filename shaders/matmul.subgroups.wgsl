// Continues matmul.wgsl for GPUs with subgroups: an entry point more
//
//   subgroups  8 x 8 per thread as in `direct`. Four neighbours of a subgroup, a quad, have the same rows and four panels of
//              weight: of every 8 vec4s of x each loads two, and gets the others from its neighbours.
//
// Every subgroup consists of quads, whatever its size. That a quad is four threads with numbers in a row, from a multiple of 4
// on, is what every GPU does and no standard says: where it is not so, the check before the first answer finds it out, and
// `direct` takes over.

enable subgroups;

const PANELS_OF_QUADS = (PANELS + 3u) / 4u;

@compute @workgroup_size(64)
fn subgroups(@builtin(global_invocation_id) id: vec3u) {
  let lane = id.x % 4u;
  let tile = id.x / 4u;
  let panel = tile % PANELS_OF_QUADS * 4u + lane;
  // Past the last row the first one is computed again: all threads of a quad are needed to the end.
  let wanted = tile / PANELS_OF_QUADS * 8u;
  let inside = wanted < row_count();
  let row = select(0u, wanted, inside);

  var y0 = mat2x4f();
  var y1 = mat2x4f();
  var y2 = mat2x4f();
  var y3 = mat2x4f();
  var y4 = mat2x4f();
  var y5 = mat2x4f();
  var y6 = mat2x4f();
  var y7 = mat2x4f();
  for (var k = 0u; k < INPUTS; k++) {
    let at = (row + lane) * INPUTS + k;
    let own = x[at];
    let other = x[at + INPUTS * 4u];
    let w0 = mat4x4f(weight_block(panel, k, 0u));
    let w1 = mat4x4f(weight_block(panel, k, 1u));
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
  if (inside && panel < PANELS) {
    store_rows(row, panel * 2u, array(y0, y1, y2, y3, y4, y5, y6, y7));
  }
}
