// Bytes to what a network reads: pixels[image, c, row, column] = table[c, byte], and FILL outside the photo
//
//   window  where the photo lies in the network's image
//   x       [rows, columns] pixels, red in the lowest byte
//   table   [CHANNELS, 256]: (byte / 255 - mean) / std, computed once on the CPU; so the floats are the same everywhere
//   pixels  [images, CHANNELS, HEIGHT, WIDTH]
//
// A thread writes one pixel of every plane. One channel is Pillow's grey: luma in 16-bit fixed point.

const CHANNELS = 3u;
const HEIGHT = 224u;
const WIDTH = 224u;
const FILL = 0u;

struct Window {
  /// First column and row of the photo.
  left: u32,
  top: u32,
  columns: u32,
  rows: u32,
  /// Index within the batch.
  image: u32,
}

@group(0) @binding(0) var<storage, read> window: Window;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<f32>;
@group(0) @binding(3) var<storage, read_write> pixels: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x / WIDTH;
  if (row >= HEIGHT) {
    return;
  }
  var pixel = FILL;
  // Left of the photo and above it these wrap to large numbers.
  let column = id.x % WIDTH - window.left;
  let line = row - window.top;
  if (column < window.columns && line < window.rows) {
    pixel = x[line * window.columns + column];
  }
  let bytes = (vec4u(pixel) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);

  let first = window.image * CHANNELS * HEIGHT * WIDTH + id.x;
  if (CHANNELS == 1u) {
    let grey = (19595u * bytes.x + 38470u * bytes.y + 7471u * bytes.z + 0x8000u) >> 16u;
    pixels[first] = table[grey];
  } else {
    for (var c = 0u; c < CHANNELS; c++) {
      pixels[first + c * HEIGHT * WIDTH] = table[256u * c + bytes[c]];
    }
  }
}
