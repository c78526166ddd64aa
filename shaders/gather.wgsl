// Rows picked by index: y[i] = x[indices[i]], with row i modulo PERIOD of `added` on top
//
//   x        [ROWS, COLUMNS] vec4s: rows FIRST to FIRST + ROWS - 1 of a matrix; other rows of y stay as they are, so that
//            a matrix too large for one binding can be read in pieces
//   indices  [rows of y]
//   added    [PERIOD, COLUMNS] vec4s, any buffer without ADD: position embeddings
//   y        [rows, COLUMNS] vec4s
//
// A thread writes one vec4 (grid: columns fastest, then rows).

const COLUMNS = 128u;
const FIRST = 0u;
const ROWS = 49408u;
const PERIOD = 77u;
const ADD = true;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> added: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x / COLUMNS;
  let column = id.x % COLUMNS;
  if (row >= arrayLength(&indices)) {
    return;
  }
  // Below FIRST this wraps to a large number.
  let index = indices[row] - FIRST;
  if (index < ROWS) {
    var value = x[index * COLUMNS + column];
    if (ADD) {
      value += added[row % PERIOD * COLUMNS + column];
    }
    y[id.x] = value;
  }
}
