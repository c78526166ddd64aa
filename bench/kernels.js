/**
 * `npm run bench:kernels`: every variant of a kernel beside the others, on whichever Vulkan, Metal or D3D12 driver there is.
 * Words choose among the kernels: `npm run bench:kernels -- attention`. Without a GPU, on drivers that compute on the
 * processor:
 *
 *   test/harness/lavapipe.sh bench/kernels.js
 *   VK_ICD_FILENAMES=<folder of Chrome>/vk_swiftshader_icd.json npm run bench:kernels
 */
// Before anything here makes the machine busy.
const { loadavg } = await import('node:os');
const loadBefore = loadavg()[0];
// Compiling is measured: what Mesa's drivers compiled before is not to be found.
process.env.MESA_SHADER_CACHE_DISABLE = 'true';
const { buildBenchmark } = await import('./build.js');
const { run } = await import(await buildBenchmark('kernels'));
await run(process.argv.slice(2), loadBefore);
process.exit();
