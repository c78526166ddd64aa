// How many bytes per second a device moves: every vec4 is read once and written once, neighbours by neighbours.
// Bytes = 2 * 16 * threads.

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> copy: array<vec4f>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  copy[id.x] = source[id.x];
}
