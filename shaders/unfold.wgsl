// Images to patches: y[patch] = its pixels, in the order channel, row, column
//
//   pixels  [images, CHANNELS, HEIGHT, WIDTH]
//   y       [images * PATCHES, VECTORS] vec4s; patches row by row, padding is zero
//
// A thread writes one vec4 (grid: pixels of a patch fastest, then patches, then images).

const CHANNELS = 3u;
const HEIGHT = 224u;
const WIDTH = 224u;
const PATCH_HEIGHT = 16u;
const PATCH_WIDTH = 16u;

const GRID_COLUMNS = WIDTH / PATCH_WIDTH;
const PATCHES = HEIGHT / PATCH_HEIGHT * GRID_COLUMNS;
const FEATURES = CHANNELS * PATCH_HEIGHT * PATCH_WIDTH;
const VECTORS = (FEATURES + 3u) / 4u;

@group(0) @binding(0) var<storage, read> pixels: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let patch_index = id.x / VECTORS;
  if (patch_index >= PATCHES) {
    return;
  }
  let top = patch_index / GRID_COLUMNS * PATCH_HEIGHT;
  let left = patch_index % GRID_COLUMNS * PATCH_WIDTH;
  let first = id.x % VECTORS * 4u;
  var values = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let feature = first + i;
    if (feature < FEATURES) {
      let channel = feature / (PATCH_HEIGHT * PATCH_WIDTH);
      let row = feature / PATCH_WIDTH % PATCH_HEIGHT;
      let line = (id.z * CHANNELS + channel) * HEIGHT + top + row;
      values[i] = pixels[line * WIDTH + left + feature % PATCH_WIDTH];
    }
  }
  y[(id.z * PATCHES + patch_index) * VECTORS + id.x % VECTORS] = values;
}
