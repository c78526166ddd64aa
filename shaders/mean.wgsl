// The mean of some tokens of each image: y = Σ x[FIRST .. FIRST + COUNT - 1] / COUNT
//
//   x  [images * TOKENS, COLUMNS] vec4s
//   y  [images, STRIDE] vec4s, of which COLUMNS from OFFSET on are written
//
// With LARGEST, halfway between it and the largest of these tokens in each column.
//
// A workgroup takes WIDE columns of one image (grid: columns, images), LANES threads each: a thread adds up every
// LANES-th token.

const TOKENS = 197u;
const FIRST = 1u;
const COUNT = 196u;
const COLUMNS = 48u;
const STRIDE = 48u;
const OFFSET = 0u;
const LARGEST = false;
const WIDE = 16u;
const LANES = 8u;

const LOWEST = -3.4e38f;
const STEPS = (COUNT + LANES - 1u) / LANES;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

var<workgroup> partial: array<vec4f, WIDE * LANES>;
var<workgroup> most: array<vec4f, select(1u, WIDE * LANES, LARGEST)>;

@compute @workgroup_size(WIDE, LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) slot: u32,
) {
  let column = workgroup.x * WIDE + local.x;
  let first = (workgroup.y * TOKENS + FIRST) * COLUMNS + column;
  var sum = vec4f();
  var largest = vec4f(LOWEST);
  if (column < COLUMNS) {
    for (var i = 0u; i < STEPS; i++) {
      let token = i * LANES + local.y;
      if (token < COUNT) {
        let value = x[first + token * COLUMNS];
        sum += value;
        largest = max(largest, value);
      }
    }
  }
  partial[slot] = sum;
  if (LARGEST) {
    most[slot] = largest;
  }
  workgroupBarrier();
  if (local.y == 0u && column < COLUMNS) {
    var total = vec4f();
    for (var lane = 0u; lane < LANES; lane++) {
      total += partial[lane * WIDE + local.x];
    }
    total /= f32(COUNT);
    if (LARGEST) {
      for (var lane = 0u; lane < LANES; lane++) {
        largest = max(largest, most[lane * WIDE + local.x]);
      }
      total = 0.5 * (total + largest);
    }
    y[workgroup.y * STRIDE + OFFSET + column] = total;
  }
}
