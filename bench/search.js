/**
 * `npm run bench:search`: how long a search takes in a page, by the number of vectors, and what is the least that it could take.
 *
 *   npm run bench:search [-- dimension rows…]      512 1000 10000 100000
 */
// Before anything here makes the machine busy.
const { loadavg } = await import('node:os');
const loadBefore = loadavg()[0];
const { build } = await import('vite');
const { BUILD, buildBenchmark } = await import('./build.js');
const { run } = await import(await buildBenchmark('search'));
await build({ mode: 'search', logLevel: 'warn', build: { outDir: `${BUILD}/search-library` } });
await run(process.argv.slice(2).map(Number), BUILD, loadBefore);
process.exit();
