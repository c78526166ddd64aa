// Continues matmul.wgsl where weights stay in 4 bits: in place of its `weight_block` one that widens a block as it is loaded
//
//   codes   [OUTPUTS / 2, INPUTS, 2] 4x4 blocks as in `weight`, of signed numbers of 4 bits, a vec2u each; then the scales in f32 of
//           every 32 inputs, 8 of each panel: [OUTPUTS / 2, INPUTS / 8, 8]
//
// INPUTS is a multiple of 8.

@group(0) @binding(1) var<storage, read> codes: array<vec2u>;

const FIRST_SCALE = PANELS * INPUTS * 2u;

fn widened(code: u32, shift: vec4u) -> vec4f {
  return vec4f(vec4i(vec4u(code) << shift) >> vec4u(28u));
}

fn weight_block(panel: u32, k: u32, half: u32) -> mat4x4<scalar> {
  let block = panel * INPUTS + k;
  let code = codes[block * 2u + half];
  let at = FIRST_SCALE + ((block >> 3u) * 2u + half) * 2u;
  let scale = bitcast<vec4f>(vec4u(codes[at], codes[at + 1u]));
  let even = vec4u(28u, 24u, 20u, 16u);
  let odd = vec4u(12u, 8u, 4u, 0u);
  return mat4x4<scalar>(mat4x4f(
    widened(code.x, even) * scale, widened(code.x, odd) * scale,
    widened(code.y, even) * scale, widened(code.y, odd) * scale));
}
