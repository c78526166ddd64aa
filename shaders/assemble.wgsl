// Patches to tokens: the prefix tokens in front, and what each token starts from added
//
//   x       [images * (TOKENS - PREFIX), COLUMNS] vec4s: the patches
//   starts  [TOKENS, COLUMNS] vec4s: for a prefix token the token itself, both with the position embedding added
//   y       [images * TOKENS, COLUMNS] vec4s
//
// For models that normalise their patches first; elsewhere patchify adds the starts itself. A thread writes one vec4
// (grid: columns fastest, then tokens; images).

const TOKENS = 197u;
const PREFIX = 1u;
const COLUMNS = 48u;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> starts: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= TOKENS * COLUMNS) {
    return;
  }
  var value = starts[id.x];
  if (id.x >= PREFIX * COLUMNS) {
    value += x[(id.z * (TOKENS - PREFIX) - PREFIX) * COLUMNS + id.x];
  }
  y[id.z * TOKENS * COLUMNS + id.x] = value;
}
