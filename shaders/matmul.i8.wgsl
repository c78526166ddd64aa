// Continues matmul.wgsl where weights stay in 8 bits: in place of its `weight_block` one that widens a block as it is loaded
//
//   codes   [OUTPUTS / 2, INPUTS, 2] 4x4 blocks as in `weight`, of signed bytes, a vec4u each; then 127 times the scales of all
//           outputs in f32, 8 of each panel
//
// `unpack4x8snorm` divides by 127, to three last digits of f32, and every WGSL has it. On SwiftShader a product in f32 took 52 ms, with
// it 47, with `unpack4xI8` 58, by shifts 64.

@group(0) @binding(1) var<storage, read> codes: array<vec4u>;

const FIRST_SCALE = PANELS * INPUTS * 2u;

fn weight_block(panel: u32, k: u32, half: u32) -> mat4x4<scalar> {
  let code = codes[(panel * INPUTS + k) * 2u + half];
  let scale = bitcast<vec4f>(codes[FIRST_SCALE + panel * 2u + half]);
  return mat4x4<scalar>(mat4x4f(
    unpack4x8snorm(code.x) * scale, unpack4x8snorm(code.y) * scale,
    unpack4x8snorm(code.z) * scale, unpack4x8snorm(code.w) * scale));
}
