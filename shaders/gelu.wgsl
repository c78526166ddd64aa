// GELU of each element: y = x Φ(x) = x (1 + erf(x / √2)) / 2, the exact form
//
//   x, y  any number of vec4s
//
// Within the network GELU is the matmul's epilogue, with these same two functions (a test holds them equal); this kernel
// lets them be tested alone. A thread takes one vec4.

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

/// erf to 1.5e-7: Abramowitz and Stegun 7.1.26.
fn erf(x: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let polynomial =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - polynomial * exp(-x * x));
}

fn gelu(x: vec4f) -> vec4f {
  return 0.5 * x * (1.0 + erf(x * 0.7071067811865476));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&y)) {
    y[id.x] = gelu(x[id.x]);
  }
}
