// One pass of a resize, in Pillow's integers: y = clamp((2^21 + sum over k of x[first + k] * weight[k]) >> 22, 0, 255)
//
//   x             rows of pixels, red in the lowest byte, `stride` pixels from one row to the next
//   coefficients  [count, 2] first source pixel and number of weights, then [count, taps] weights in units of 2^-22;
//                 count is the output's width, or its height when VERTICAL
//   y             [height, width] pixels from `output_first` on, alpha 255
//
// The horizontal pass (VERTICAL false) reads along a row, the vertical one down a column. A thread computes one pixel;
// threads run along the rows of y. Sums stay within 32 bits: no filter's absolute weights add up to more than 1.6.

const VERTICAL = false;
// Over an opaque background colour (red in the lowest byte), or without a look at alpha.
const COMPOSITE = false;
const BACKGROUND = 0u;
// Pillow's luma in 16-bit fixed point in all three channels, before anything is resized.
const GREY = false;

const PRECISION_BITS = 22u;
const HALF = 1i << (PRECISION_BITS - 1u);

/// Differs from photo to photo, so it is no constant.
struct Pass {
  width: u32,
  height: u32,
  /// Weights kept per output pixel.
  taps: u32,
  /// Pixels from one row of x to the next.
  stride: u32,
  /// Source row with which x begins.
  first_row: u32,
  /// Pixel of a row of x that the vertical pass begins with.
  first_column: u32,
  /// Pixel of y with which this dispatch begins.
  output_first: u32,
}

@group(0) @binding(0) var<storage, read> size: Pass;
@group(0) @binding(1) var<storage, read> coefficients: array<i32>;
@group(0) @binding(2) var<storage, read> x: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

fn colour(pixel: u32) -> vec3i {
  return vec3i((vec3u(pixel) >> vec3u(0u, 8u, 16u)) & vec3u(255u));
}

fn load(index: u32) -> vec3i {
  let bytes = opaque_colour(x[index]);
  if (!GREY) {
    return bytes;
  }
  return vec3i((19595i * bytes.x + 38470i * bytes.y + 7471i * bytes.z + 0x8000i) >> 16u);
}

fn opaque_colour(pixel: u32) -> vec3i {
  if (!COMPOSITE) {
    return colour(pixel);
  }
  // round(sum / 255) without dividing.
  let alpha = i32(pixel >> 24u);
  let sum = colour(pixel) * alpha + colour(BACKGROUND) * (255i - alpha) + 128i;
  return (sum + (sum >> vec3u(8u))) >> vec3u(8u);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  // Workgroups are numbered over two dimensions, since one allows 65,535.
  let index = (workgroup.y * workgroups.x + workgroup.x) * 64u + lane;
  let column = index % size.width;
  let row = index / size.width;
  if (row >= size.height) {
    return;
  }

  let position = select(column, row, VERTICAL);
  let count = select(size.width, size.height, VERTICAL);
  let first = u32(coefficients[2u * position]);
  let length = u32(coefficients[2u * position + 1u]);
  let weights = 2u * count + position * size.taps;
  var source = row * size.stride + first;
  if (VERTICAL) {
    source = (first - size.first_row) * size.stride + size.first_column + column;
  }
  let step = select(1u, size.stride, VERTICAL);

  var sum = vec3i(HALF);
  for (var k = 0u; k < length; k++) {
    sum += load(source) * coefficients[weights + k];
    source += step;
  }
  let bytes = vec3u(clamp(sum >> vec3u(PRECISION_BITS), vec3i(0i), vec3i(255i)));
  y[size.output_first + index] = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | 0xff000000u;
}
