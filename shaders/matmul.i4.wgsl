// Continues matmul.wgsl where weights stay in 4 bits: in place of its `weight_block` one that widens a block as it is loaded
//
//   codes   [OUTPUTS / 2, INPUTS, 2] 4x4 blocks as in `weight`, of signed numbers of 4 bits, a vec2u each; then 255 times the scales
//           in f32 of every 32 inputs, 8 of each panel: [OUTPUTS / 2, INPUTS / 8, 8]
//
// INPUTS is a multiple of 8. `unpack4x8unorm` divides by 255, to three last digits of f32, and every WGSL has it. On SwiftShader a
// product in f32 took 54 ms, with it 46, by shifts 57.

@group(0) @binding(1) var<storage, read> codes: array<vec2u>;

const FIRST_SCALE = PANELS * INPUTS * 2u;

/// Two columns, of codes that take turns.
fn columns(even: vec4f, odd: vec4f) -> mat2x4f {
  return mat2x4f(even.x, odd.x, even.y, odd.y, even.z, odd.z, even.w, odd.w);
}

fn weight_block(panel: u32, k: u32, half: u32) -> mat4x4<scalar> {
  let block = panel * INPUTS + k;
  let at = FIRST_SCALE + ((block >> 3u) * 2u + half) * 2u;
  let scale = bitcast<vec4f>(vec4u(codes[at], codes[at + 1u]));
  // From -8..7 to 0..15.
  let code = codes[block * 2u + half] ^ vec2u(0x88888888u);
  let even = code & vec2u(0x0f0f0f0fu);
  let odd = (code >> vec2u(4u)) & vec2u(0x0f0f0f0fu);
  let a = columns(unpack4x8unorm(even.x), unpack4x8unorm(odd.x));
  let b = columns(unpack4x8unorm(even.y), unpack4x8unorm(odd.y));
  let zero = vec4f(8.0 / 255.0);
  return mat4x4<scalar>(mat4x4f(
    (a[0] - zero) * scale, (a[1] - zero) * scale, (b[0] - zero) * scale, (b[1] - zero) * scale));
}
