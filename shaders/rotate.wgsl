// Rotary position embedding, in place: features i and i + PAIRS of each head's Q and K are turned by an angle
//
//   table  [HEADS, TOKENS - FIRST, PAIRS] cosines and sines; without PER_HEAD [TOKENS - FIRST, PAIRS], the same for every head
//   y      [images * TOKENS, 3 * HEADS * SIZE] floats: queries of every head, then keys, then values, which stay as they are
//
// So do the tokens before FIRST. A thread turns one pair (grid: pairs of all queries and keys, patches, images).

const TOKENS = 201u;
const FIRST = 5u;
const HEADS = 6u;
const PAIRS = 32u;
const SIZE = 64u;
const PER_HEAD = false;

@group(0) @binding(0) var<storage, read> table: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let head = id.x / PAIRS;
  if (head >= 2u * HEADS) {
    return;
  }
  let pair = id.x % PAIRS;
  let row = select(0u, head % HEADS * (TOKENS - FIRST), PER_HEAD) + id.y;
  let turn = table[row * PAIRS + pair];
  let at = ((id.z * TOKENS + FIRST + id.y) * 3u * HEADS + head) * SIZE + pair;
  let a = y[at];
  let b = y[at + PAIRS];
  y[at] = a * turn.x - b * turn.y;
  y[at + PAIRS] = b * turn.x + a * turn.y;
}
