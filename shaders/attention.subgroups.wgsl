// Continues attention.wgsl for GPUs with subgroups: an entry point more
//
//   subgroups  Four neighbours of a subgroup, a quad, own four queries of one head (grid: queries, heads, images). Each of them
//              holds every fourth vec4 of the head of all four queries: a thread loads a quarter of a key and uses it four
//              times. It adds its part of the sixteen scores of four queries and four keys to those of its neighbours, so that
//              each of them ends up with the scores of one query, and has the online softmax of that query; the weights go
//              back to all four.
//
// Every subgroup consists of quads, whatever its size, and nothing else is assumed of it.

enable subgroups;

/// vec4s of a head that a thread holds.
const PART = (VECTORS + 3u) / 4u;

var<workgroup> quads: atomic<u32>;

/// Which threads make a quad is the GPU's to say, and not their numbers': each quad takes the next number.
fn number_of_quad(lane: u32) -> u32 {
  var number = 0u;
  // Some drivers zero the counter at the start of every subgroup.
  workgroupBarrier();
  if (lane == 0u) {
    number = atomicAdd(&quads, 1u);
  }
  return quadBroadcast(number, 0u);
}

/// Sums over a quad: of a's in its thread 0, of b's in thread 1, of c's in thread 2, of d's in thread 3.
fn sums_of_quad(a: vec4f, b: vec4f, c: vec4f, d: vec4f, lane: u32) -> vec4f {
  let odd = (lane & 1u) == 1u;
  let first = select(a, b, odd) + quadSwapX(select(b, a, odd));
  let last = select(c, d, odd) + quadSwapX(select(d, c, odd));
  let upper = lane >= 2u;
  return select(first, last, upper) + quadSwapY(select(last, first, upper));
}

@compute @workgroup_size(32)
fn subgroups(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(subgroup_invocation_id) invocation: u32,
) {
  let head = workgroup.y;
  let image = workgroup.z;
  let lane = invocation & 3u;
  let first_query = (workgroup.x * 8u + number_of_quad(lane)) * 4u;
  // Past the last query it is done again: all threads of a quad are needed to the end.
  let query = min(first_query + vec4u(0u, 1u, 2u, 3u), vec4u(QUERIES - 1u));
  let own_query = min(first_query + lane, QUERIES - 1u);

  var q: array<mat4x4f, PART>;
  for (var i = 0u; i < PART; i++) {
    // Beyond the head the next one begins: a query of zeros makes it count nothing.
    let vector = i * 4u + lane;
    if (vector < VECTORS) {
      q[i] = SCALE * mat4x4f(
        queries[first_query_vector(query.x, head, image) + vector],
        queries[first_query_vector(query.y, head, image) + vector],
        queries[first_query_vector(query.z, head, image) + vector],
        queries[first_query_vector(query.w, head, image) + vector]);
    }
  }

  var softmax = Softmax(LOWEST, 0.0, 0.0, vec4f());
  var sum: array<mat4x4f, PART>;
  for (var step = 0u; step < STEPS; step++) {
    let wanted = step * 4u + vec4u(0u, 1u, 2u, 3u);
    let k = first_key_vectors(wanted, head, image) + lane;
    // Of each query a vec4, of each key an element.
    var parts = mat4x4f();
    for (var i = 0u; i < PART; i++) {
      let at = k + i * 4u;
      let key = mat4x4f(keys[at.x], keys[at.y], keys[at.z], keys[at.w]);
      parts += mat4x4f(q[i][0] * key, q[i][1] * key, q[i][2] * key, q[i][3] * key);
    }
    let products = sums_of_quad(parts[0], parts[1], parts[2], parts[3], lane);
    softmax = next(softmax, finished(products, own_query, head, wanted));

    let weights = mat4x4f(
      quadBroadcast(softmax.weights, 0u),
      quadBroadcast(softmax.weights, 1u),
      quadBroadcast(softmax.weights, 2u),
      quadBroadcast(softmax.weights, 3u));
    let rescale = vec4f(
      quadBroadcast(softmax.rescale, 0u),
      quadBroadcast(softmax.rescale, 1u),
      quadBroadcast(softmax.rescale, 2u),
      quadBroadcast(softmax.rescale, 3u));
    for (var i = 0u; i < PART; i++) {
      let at = k + WIDTH + i * 4u;
      let values = mat4x4f(keys[at.x], keys[at.y], keys[at.z], keys[at.w]);
      let before = sum[i];
      sum[i] = mat4x4f(before[0] * rescale.x, before[1] * rescale.y, before[2] * rescale.z, before[3] * rescale.w)
        + values * weights;
    }
  }

  let total = vec4f(
    quadBroadcast(softmax.total, 0u),
    quadBroadcast(softmax.total, 1u),
    quadBroadcast(softmax.total, 2u),
    quadBroadcast(softmax.total, 3u));
  for (var i = 0u; i < PART; i++) {
    let vector = i * 4u + lane;
    if (vector < VECTORS) {
      for (var j = 0u; j < 4u; j++) {
        // Written twice, the last query's are the same.
        y[first_vector_of_y(query[j], head, image) + vector] = sum[i][j] / total[j];
      }
    }
  }
}
