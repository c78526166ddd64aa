// The mean of some tokens of each image: y = Σ x[FIRST .. FIRST + COUNT - 1] / COUNT
//
//   x  [images * TOKENS, COLUMNS] vec4s
//   y  [images, STRIDE] vec4s, of which COLUMNS from OFFSET on are written
//
// A workgroup takes WIDE columns of one image (grid: columns, images), LANES threads each: a thread adds up every
// LANES-th token.

const TOKENS = 197u;
const FIRST = 1u;
const COUNT = 196u;
const COLUMNS = 48u;
const STRIDE = 48u;
const OFFSET = 0u;
const WIDE = 16u;
const LANES = 8u;

const STEPS = (COUNT + LANES - 1u) / LANES;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

var<workgroup> partial: array<vec4f, WIDE * LANES>;

@compute @workgroup_size(WIDE, LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) slot: u32,
) {
  let column = workgroup.x * WIDE + local.x;
  let first = (workgroup.y * TOKENS + FIRST) * COLUMNS + column;
  var sum = vec4f();
  if (column < COLUMNS) {
    for (var i = 0u; i < STEPS; i++) {
      let token = i * LANES + local.y;
      if (token < COUNT) {
        sum += x[first + token * COLUMNS];
      }
    }
  }
  partial[slot] = sum;
  workgroupBarrier();
  if (local.y == 0u && column < COLUMNS) {
    var total = vec4f();
    for (var lane = 0u; lane < LANES; lane++) {
      total += partial[lane * WIDE + local.x];
    }
    y[workgroup.y * STRIDE + OFFSET + column] = total / f32(COUNT);
  }
}
