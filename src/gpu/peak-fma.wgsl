// How many multiply-adds a device does per second when nothing else holds it up.
//
// Each thread keeps four vec4 in registers and does factor * a + b on all of them, ITERATIONS times: sixteen chains that do
// not wait for one another, no memory until the end. With eight vec4 a software adapter runs out of registers.
// FLOPs = threads * ITERATIONS * 4 vectors * 4 lanes * 2.

const ITERATIONS = 256u;

@group(0) @binding(0) var<storage, read_write> results: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  // Not known to the compiler, and below 1, so that nothing overflows.
  let factor = vec4f(0.5 + f32(id.x) * 1e-9);
  let b = vec4f(f32(id.x), 1.0, 2.0, 3.0);
  var a0 = b;
  var a1 = b + 1.0;
  var a2 = b + 2.0;
  var a3 = b + 3.0;
  for (var i = 0u; i < ITERATIONS; i++) {
    a0 = fma(a0, factor, b);
    a1 = fma(a1, factor, b);
    a2 = fma(a2, factor, b);
    a3 = fma(a3, factor, b);
  }
  results[id.x] = a0 + a1 + a2 + a3;
}
