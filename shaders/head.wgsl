// The head: logits = x @ weightᵀ + bias, one row per image; or logits += that
//
//   x       [images, INPUTS] vec4s
//   weight  [OUTPUTS / 2, INPUTS, 2] 4x4 blocks, as in matmul.wgsl
//   bias    [OUTPUTS] vec4s
//   y       [images, OUTPUTS] vec4s
//
// With one row per image there is nothing to reuse but x: every weight is read once. A workgroup of LANES threads
// computes 4 outputs of one image, each thread every LANES-th block of inputs (grid: outputs, images).

const INPUTS = 48u;
const OUTPUTS = 250u;
const LANES = 16u;
const ACCUMULATE = false;

alias scalar = f32;

const STEPS = (INPUTS + LANES - 1u) / LANES;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<mat4x4<scalar>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

var<workgroup> partial: array<vec4f, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let output = workgroup.x;
  let image = workgroup.y;
  let panel = output / 2u * INPUTS;
  var sum = vec4f();
  for (var i = 0u; i < STEPS; i++) {
    let input = i * LANES + lane;
    if (input < INPUTS) {
      sum += mat4x4f(weight[(panel + input) * 2u + output % 2u]) * x[image * INPUTS + input];
    }
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) {
    var total = bias[output];
    for (var i = 0u; i < LANES; i++) {
      total += partial[i];
    }
    let at = image * OUTPUTS + output;
    if (ACCUMULATE) {
      total += y[at];
    }
    y[at] = total;
  }
}
