// LayerNorm of each row as in layer-norm.wgsl, with the same bindings, for GPUs with subgroups
//
// A workgroup of LANES threads takes a row (grid: rows, over two dimensions, since one allows 65,535). Each subgroup adds up its
// own part of a sum, whatever its size, and the parts meet in workgroup memory: one barrier per sum, where a tree over threads
// has one per level.

enable subgroups;

const COLUMNS = 192u;
const VECTORS = 48u;
const GROUP = 192u;
const GROUP_VECTORS = 48u;
const INPUT_STRIDE = 48u;
const INPUT_FIRST = 0u;
const EPSILON = 1e-6f;
const RMS = false;
const ACCUMULATE = false;
const PERIOD = 1u;
const SECOND = 1u;
const END = 1u;
const LANES = 32u;

const STEPS = (VECTORS + LANES - 1u) / LANES;
/// The smallest subgroup has four threads.
const MOST_SUBGROUPS = LANES / 4u;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> affine: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

var<workgroup> counted: atomic<u32>;
/// Zero where there is no subgroup. One array for each of the two sums: nobody waits until the first has been read.
var<workgroup> parts: array<array<f32, MOST_SUBGROUPS>, 2>;

/// Which threads make a subgroup is the GPU's to say, and not their numbers': each subgroup takes the next number.
fn number_of_subgroup() -> u32 {
  var number = 0u;
  // Some drivers zero workgroup memory at the start of every subgroup.
  workgroupBarrier();
  if (subgroupElect()) {
    number = atomicAdd(&counted, 1u);
  }
  return subgroupBroadcastFirst(number);
}

/// The sum of `value` over the threads of the workgroup, in all of them.
fn sum_of_row(value: f32, subgroup: u32, array: u32) -> f32 {
  let part = subgroupAdd(value);
  if (subgroupElect()) {
    parts[array][subgroup] = part;
  }
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < MOST_SUBGROUPS; i++) {
    sum += parts[array][i];
  }
  return sum;
}

/// x - mean, and zero in the padding.
fn deviation(values: vec4f, mean: f32, vector: u32) -> vec4f {
  let inside = vector % GROUP_VECTORS * 4u + vec4u(0u, 1u, 2u, 3u) < vec4u(GROUP);
  return select(vec4f(), values - mean, inside & vec4<bool>(vector < VECTORS));
}

/// What was normalised, with its weight and bias.
fn write(row: u32, vector: u32, normed: vec4f) {
  let place = row % PERIOD;
  let part = select(vector, 2u * VECTORS + vector, place >= SECOND);
  var value = normed * affine[part] + affine[VECTORS + part];
  if (place >= END) {
    value = x[row * INPUT_STRIDE + INPUT_FIRST + vector];
  }
  if (ACCUMULATE) {
    value += y[row * VECTORS + vector];
  }
  y[row * VECTORS + vector] = value;
}

@compute @workgroup_size(LANES)
fn subgroups(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = workgroup.y * workgroups.x + workgroup.x;
  if (row >= arrayLength(&y) / VECTORS) {
    return;
  }
  let subgroup = number_of_subgroup();
  var values: array<vec4f, STEPS>;

  var sum = vec4f();
  for (var i = 0u; i < STEPS; i++) {
    let vector = i * LANES + lane;
    if (vector < VECTORS) {
      values[i] = x[row * INPUT_STRIDE + INPUT_FIRST + vector];
    }
    sum += values[i];
  }
  var mean = 0.0;
  if (!RMS) {
    mean = sum_of_row(dot(sum, vec4f(1.0)), subgroup, 0u) / f32(COLUMNS);
  }

  var squares = vec4f();
  for (var i = 0u; i < STEPS; i++) {
    values[i] = deviation(values[i], mean, i * LANES + lane);
    squares += values[i] * values[i];
  }
  let variance = sum_of_row(dot(squares, vec4f(1.0)), subgroup, 1u) / f32(COLUMNS);
  let scale = 1.0 / sqrt(variance + EPSILON);

  for (var i = 0u; i < STEPS; i++) {
    let vector = i * LANES + lane;
    if (vector < VECTORS) {
      write(row, vector, values[i] * scale);
    }
  }
}
