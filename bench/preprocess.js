/**
 * From a JPEG to normalised pixels, by size of the photo: this library on the GPU and on the CPU against what pages do
 * without it, a canvas (`drawImage` to the small size, `getImageData`, a loop over the bytes) and transformers.js.
 *
 *   npm ci --prefix bench && node bench/preprocess.js [megapixels…]
 *
 * The photos are drawn and compressed in the browser, so that there is nothing to download. Times are medians in
 * milliseconds of one Chrome; `first` includes the buffers that later photos of that size find already made.
 */
import { chromium } from 'playwright';
import { createServer } from 'vite';

const megapixels = process.argv.slice(2).map(Number);
const server = await createServer({
  configFile: false,
  publicDir: false,
  logLevel: 'error',
  appType: 'custom',
  server: { port: 0 },
});
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
  for (const size of megapixels.length > 0 ? megapixels : [0.3, 3, 12, 48]) {
    const result = await page.evaluate(async (size) => (await import('/bench/preprocess-page.ts')).measure(size), size);
    console.log(JSON.stringify(result));
  }
} finally {
  await browser.close();
  await server.close();
}
