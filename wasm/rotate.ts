/**
 * Rotary position embedding, in place: features i and i + `pairs` of each head's Q and K are turned by an angle.
 *
 *   qkv    rows of Q of every head, K of every head, V of every head, `stride` bytes apart
 *   table  [rows, pairs, 2]: cosine and sine; that of the next head lies `headStride` bytes further, 0 where all share one
 */
export function rotate(
  qkv: usize,
  stride: usize,
  rows: i32,
  heads: i32,
  pairs: i32,
  table: usize,
  headStride: usize,
): void {
  const half = (<usize>pairs) << 2;
  for (let row = 0; row < rows; row++) {
    let at = qkv;
    for (let head = 0; head < 2 * heads; head++) {
      let turn = table + <usize>(head % heads) * headStride;
      for (const end = at + half; at < end; at += 4) {
        const cosine = load<f32>(turn);
        const sine = load<f32>(turn, 4);
        const a = load<f32>(at);
        const b = load<f32>(at + half);
        store<f32>(at, a * cosine - b * sine);
        store<f32>(at + half, b * cosine + a * sine);
        turn += 8;
      }
      at += half;
    }
    qkv += stride;
    table += half << 1;
  }
}
