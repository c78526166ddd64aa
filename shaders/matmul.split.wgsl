// Continues matmul.wgsl for few rows or outputs, where `direct` has too few threads to keep a GPU busy
//
//   split   4 x 8 per thread, and SPLITS threads share a tile, each taking every SPLITS-th block of inputs. Their sums meet in
//           workgroup memory.
//
// SPLITS is 2, 4 or 8 and divides INPUTS. Rows of the padding are not guarded, as in `direct`.

const SPLITS = 4u;

const SPLIT_TILES = 64u / SPLITS;

var<workgroup> partial: array<mat2x4f, 256>;

@compute @workgroup_size(SPLIT_TILES, SPLITS)
fn split(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) thread: vec3u) {
  let tile = workgroup.x * SPLIT_TILES + thread.x;
  let panel = tile % PANELS;
  // Past the last row the first one is computed again: every thread must come to the barrier.
  let wanted = tile / PANELS * 4u;
  let inside = wanted < row_count();
  let row = select(0u, wanted, inside);

  var y0 = mat2x4f();
  var y1 = mat2x4f();
  var y2 = mat2x4f();
  var y3 = mat2x4f();
  for (var i = 0u; i < INPUTS / SPLITS; i++) {
    let k = i * SPLITS + thread.y;
    let at = row * INPUTS + k;
    let x0 = x[at];
    let x1 = x[at + INPUTS];
    let x2 = x[at + INPUTS * 2u];
    let x3 = x[at + INPUTS * 3u];
    let w0 = mat4x4f(weight_block(panel, k, 0u));
    let w1 = mat4x4f(weight_block(panel, k, 1u));
    y0 += mat2x4f(w0 * x0, w1 * x0);
    y1 += mat2x4f(w0 * x1, w1 * x1);
    y2 += mat2x4f(w0 * x2, w1 * x2);
    y3 += mat2x4f(w0 * x3, w1 * x3);
  }

  let slot = thread.y * SPLIT_TILES + thread.x;
  partial[slot] = y0;
  partial[slot + 64u] = y1;
  partial[slot + 128u] = y2;
  partial[slot + 192u] = y3;
  workgroupBarrier();
  // A row of the tile for each of the first four threads, or all four for fewer.
  if (inside) {
    for (var r = thread.y; r < 4u; r += SPLITS) {
      var sum = partial[r * 64u + thread.x];
      for (var part = 1u; part < SPLITS; part++) {
        sum += partial[r * 64u + part * SPLIT_TILES + thread.x];
      }
      store(row + r, panel * 2u, sum);
    }
  }
}
