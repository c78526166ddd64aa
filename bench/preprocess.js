/**
 * From a JPEG to normalised pixels, by size of the photo: this library on the GPU and on the CPU against what pages do
 * without it, a canvas (`drawImage` to the small size, `getImageData`, a loop over the bytes) and transformers.js.
 *
 *   npm ci --prefix bench && node bench/preprocess.js [megapixels…]
 *   npm run build:lib && node bench/preprocess.js --node [megapixels…]      in Node, on the CPU, beside sharp and transformers.js
 *
 * The photos are drawn and compressed in the browser, or made of a sample, so that there is nothing to download. Times are medians in
 * milliseconds of one Chrome or Node; `first` includes the buffers that later photos of that size find already made.
 */
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { createServer } from 'vite';

const { values, positionals } = parseArgs({ options: { node: { type: 'boolean' } }, allowPositionals: true });
const megapixels = positionals.length > 0 ? positionals.map(Number) : [0.3, 3, 12, 48];
const server = await createServer({
  configFile: false,
  publicDir: false,
  logLevel: 'error',
  appType: 'custom',
  server: { port: 0 },
});
try {
  await (values.node ? inNode() : inChrome());
} finally {
  await server.close();
}

async function inNode() {
  const { measure } = await server.ssrLoadModule('/bench/preprocess-node.ts');
  for (const size of megapixels) console.log(JSON.stringify(await measure(size)));
}

async function inChrome() {
  await server.listen();
  const { port } = server.httpServer.address();
  server.middlewares.use((request, response, next) => {
    if (request.url !== '/') return next();
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>bench</title>');
  });
  const { BENCH_CHROME_ARGS } = await server.ssrLoadModule('/test/harness/chrome-args.ts');
  const browser = await chromium.launch({ executablePath: process.env.CHROME_PATH, args: BENCH_CHROME_ARGS });
  try {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${port}/`);
    for (const size of megapixels) {
      const result = await page.evaluate(
        async (size) => (await import('/bench/preprocess-page.ts')).measure(size),
        size,
      );
      console.log(JSON.stringify(result));
    }
  } finally {
    await browser.close();
  }
}
