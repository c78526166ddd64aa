/**
 * `npm run bench`: this library beside others in headless Chrome. `npm run bench -- --help` lists the flags; without any
 * it compares ViT-Ti at 224 pixels in batches of 1 and 8, in less than ten minutes even without a GPU.
 *
 * Peers that are no dependency of the library lie in this folder's own package: `npm ci --prefix bench` installs them, and
 * without them their columns are missing.
 */
// Before anything here makes the machine busy.
const { loadavg } = await import('node:os');
const loadBefore = loadavg()[0];
const { buildBenchmark } = await import('./build.js');
const { run } = await import(await buildBenchmark('browser'));
process.exitCode = await run(process.argv.slice(2), loadBefore);
