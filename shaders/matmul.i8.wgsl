// Continues matmul.wgsl where weights stay in 8 bits: in place of its `weight_block` one that widens a block as it is loaded
//
//   codes   [OUTPUTS / 2, INPUTS, 2] 4x4 blocks as in `weight`, of signed bytes, a vec4u each; then the scales of all outputs in f32,
//           8 of each panel
//
// Blocks are widened by shifts, which every WGSL has; `unpack4xI8` it may lack.

@group(0) @binding(1) var<storage, read> codes: array<vec4u>;

const FIRST_SCALE = PANELS * INPUTS * 2u;

fn widened(code: u32) -> vec4f {
  return vec4f(vec4i(vec4u(code) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}

fn weight_block(panel: u32, k: u32, half: u32) -> mat4x4<scalar> {
  let code = codes[(panel * INPUTS + k) * 2u + half];
  let scale = bitcast<vec4f>(codes[FIRST_SCALE + panel * 2u + half]);
  return mat4x4<scalar>(mat4x4f(
    widened(code.x) * scale, widened(code.y) * scale, widened(code.z) * scale, widened(code.w) * scale));
}
