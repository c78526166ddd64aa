// Rows scaled to length 1: y = x / √(Σ x²)
//
//   x, y  [rows, COLUMNS] vec4s; the padding of x is zero, and stays so in y
//
// A workgroup of LANES threads takes a row, each thread every LANES-th vec4 (grid: rows). A row of zeros stays zero.

const COLUMNS = 128u;
const LANES = 32u;

const STEPS = (COLUMNS + LANES - 1u) / LANES;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

var<workgroup> partial: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = workgroup.x * COLUMNS;
  var squares = 0.0;
  for (var i = 0u; i < STEPS; i++) {
    let column = i * LANES + lane;
    if (column < COLUMNS) {
      squares += dot(x[row + column], x[row + column]);
    }
  }
  partial[lane] = squares;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < LANES; i++) {
    total += partial[i];
  }
  let scale = select(0.0, 1.0 / sqrt(total), total > 0.0);
  for (var i = 0u; i < STEPS; i++) {
    let column = i * LANES + lane;
    if (column < COLUMNS) {
      y[row + column] = x[row + column] * scale;
    }
  }
}
