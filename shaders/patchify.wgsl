// Images to tokens: a convolution whose stride is its kernel size, plus what each token starts from
//
//   pixels    [images, CHANNELS, HEIGHT, WIDTH]
//   weight    [FEATURES, OUTPUTS] vec4s: what each pixel of a patch (channel, row, column) gives to 4 outputs
//   starts    [TOKENS, OUTPUTS] vec4s: for a prefix token the token itself, for a patch the bias of the convolution,
//             both with the position embedding added
//   y         [images * TOKENS, OUTPUTS] vec4s
//
// A thread computes 4 tokens x 4 outputs (grid: outputs fastest, then groups of tokens, then images). The convolution is
// 2 % of a ViT's work: it reads pixels one by one, so that any patch size and image width will do.

const CHANNELS = 3u;
const HEIGHT = 224u;
const WIDTH = 224u;
const PATCH_HEIGHT = 16u;
const PATCH_WIDTH = 16u;
const PREFIX = 1u;
const OUTPUTS = 48u;

const GRID_COLUMNS = WIDTH / PATCH_WIDTH;
const PATCHES = HEIGHT / PATCH_HEIGHT * GRID_COLUMNS;
const TOKENS = PREFIX + PATCHES;
const GROUPS = (PATCHES + 3u) / 4u;

@group(0) @binding(0) var<storage, read> pixels: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> starts: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

/// Index of the top left pixel of a patch in the first channel.
fn corner(image: u32, patch_index: u32) -> u32 {
  let row = patch_index / GRID_COLUMNS * PATCH_HEIGHT;
  let column = patch_index % GRID_COLUMNS * PATCH_WIDTH;
  return (image * CHANNELS * HEIGHT + row) * WIDTH + column;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let output = id.x % OUTPUTS;
  let group = id.x / OUTPUTS;
  let image = id.z;
  if (group >= GROUPS) {
    return;
  }
  let first_row = image * TOKENS;

  // The first group also writes the prefix tokens.
  if (group == 0u) {
    for (var token = 0u; token < PREFIX; token++) {
      y[(first_row + token) * OUTPUTS + output] = starts[token * OUTPUTS + output];
    }
  }

  // Past the last patch the last one is computed again, and written again with the same value.
  let patches = min(group * 4u + vec4u(0u, 1u, 2u, 3u), vec4u(PATCHES - 1u));
  let corners =
    vec4u(corner(image, patches.x), corner(image, patches.y), corner(image, patches.z), corner(image, patches.w));
  var sums = mat4x4f();
  var feature = output;
  for (var channel = 0u; channel < CHANNELS; channel++) {
    for (var row = 0u; row < PATCH_HEIGHT; row++) {
      let line = corners + (channel * HEIGHT + row) * WIDTH;
      for (var column = 0u; column < PATCH_WIDTH; column++) {
        let w = weight[feature];
        feature += OUTPUTS;
        sums += mat4x4f(
          w * pixels[line.x + column],
          w * pixels[line.y + column],
          w * pixels[line.z + column],
          w * pixels[line.w + column],
        );
      }
    }
  }
  let tokens = PREFIX + patches;
  for (var i = 0u; i < 4u; i++) {
    y[(first_row + tokens[i]) * OUTPUTS + output] = starts[tokens[i] * OUTPUTS + output] + sums[i];
  }
}
