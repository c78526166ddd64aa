/**
 * `npm run bench:node`: this library beside onnxruntime in Node, on Dawn and whatever Vulkan, Metal or D3D12 adapter there
 * is. `npm run bench:node -- --help` lists the flags. Without a GPU, a software driver takes its place:
 *
 *   npm run bench:node -- --lavapipe --systems ours-f32,ours-f16,ours-subgroups,ours-matrix
 *   VK_ICD_FILENAMES=<folder of Chrome>/vk_swiftshader_icd.json npm run bench:node
 */
// Before anything here makes the machine busy.
const { loadavg } = await import('node:os');
const loadBefore = loadavg()[0];
const { buildBenchmark } = await import('./build.js');
const { run } = await import(await buildBenchmark('node'));
process.exitCode = await run(process.argv.slice(2), loadBefore);
