// Continues matmul.wgsl for GPUs that multiply in f16, whose weights are f16
//
//   half    8 x 8 per thread as in `direct`. x is rounded to the type of the weight, and a block's four products are multiplied
//           and added in it; the sums over all blocks are f32.
//
// Sums of four products in f16 are off by some 5e-4 of themselves, by chance up or down: of a whole row by less than 1e-4 of the
// largest. Sums of 192 products in f16 are off by 2e-2.

@compute @workgroup_size(64)
fn half(@builtin(global_invocation_id) id: vec3u) {
  let panel = id.x % PANELS;
  let row = id.x / PANELS * 8u;
  if (row >= row_count()) {
    return;
  }

  var sums: array<mat2x4f, 8>;
  for (var k = 0u; k < INPUTS; k++) {
    let at = row * INPUTS + k;
    let w0 = weight_block(panel, k, 0u);
    let w1 = weight_block(panel, k, 1u);
    for (var r = 0u; r < 8u; r++) {
      let values = vec4<scalar>(x[at + r * INPUTS]);
      sums[r] += mat2x4f(vec4f(w0 * values), vec4f(w1 * values));
    }
  }
  let column = panel * 2u;
  for (var r = 0u; r < 8u; r++) {
    store(row + r, column, sums[r]);
  }
}
