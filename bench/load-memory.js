/**
 * Memory of the page while a model of 350 MB loads onto the GPU: ViT-Base/16 in f32, made of zeros.
 *
 *   node bench/load-memory.js [auto|webgpu|cpu] [cache]
 *
 * Prints the largest size of all array buffers of the page, in MB and in shards of 8 MiB, beyond what they were with the
 * manifest read: as they are, garbage and all. The engine runs in the page, where Chrome tells it.
 */
import { createHash } from 'node:crypto';
import { chromium } from 'playwright';
import { createServer } from 'vite';

const [backend = 'webgpu', cache, shape = 'base'] = process.argv.slice(2);
const SHARD = 8 * 2 ** 20;
const server = await createServer({
  configFile: false,
  publicDir: false,
  logLevel: 'error',
  appType: 'custom',
  server: { port: 0 },
});
const { layOutShards } = await server.ssrLoadModule('/src/convert/shards.ts');
const { tensorShapes } = await server.ssrLoadModule('/src/model/tensors.ts');
const { CHROME_ARGS } = await server.ssrLoadModule('/test/harness/chrome-args.ts');

const architecture = {
  imageSize: [224, 224],
  patchSize: [16, 16],
  channels: 3,
  ...(shape === 'large'
    ? { width: 1024, depth: 7, heads: 16, mlpWidth: 4096 }
    : { width: 768, depth: 12, heads: 12, mlpWidth: 3072 }),
  classes: 1000,
  activation: 'gelu',
  epsilon: 1e-6,
};
const { tensors, shards } = layOutShards(tensorShapes(architecture), 'f32', SHARD);
const zeros = Buffer.alloc(SHARD);
const manifest = {
  format: 'vit-webgpu',
  version: 1,
  name: 'zeros',
  source: {},
  architecture,
  preprocess: {
    resize: { mode: 'squash', height: 224, width: 224 },
    filter: 'bilinear',
    crop: null,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  },
  labels: Array.from({ length: 1000 }, (_, i) => `class ${i}`),
  problemType: 'single-label',
  tensors,
  shards: shards.map((bytes, i) => ({
    file: `shard-${i}.bin`,
    bytes,
    sha256: createHash('sha256').update(zeros.subarray(0, bytes)).digest('hex'),
  })),
  golden: { seed: 1, logits: new Array(1000).fill(0) },
};

await server.listen();
const { port } = server.httpServer.address();
server.middlewares.use((request, response, next) => {
  const shard = /shard-(\d+)\.bin$/.exec(request.url);
  if (request.url === '/') response.setHeader('content-type', 'text/html').end('<!doctype html><title>bench</title>');
  else if (shard) response.end(zeros.subarray(0, shards[Number(shard[1])]));
  else if (request.url.endsWith('model.json')) response.end(JSON.stringify(manifest));
  else next();
});
const browser = await chromium.launch({ executablePath: process.env.CHROME_PATH, args: CHROME_ARGS });
try {
  const page = await browser.newPage();
  await page.goto(`http://localhost:${port}/`);
  const session = await page.context().newCDPSession(page);
  const heap = async () => (await session.send('Runtime.getHeapUsage')).backingStorageSize;
  // Compiled and cached by Vite before anything is measured.
  await page.evaluate(async () => {
    globalThis.library = await import('/src/index.ts');
    await import('/src/engine/host.ts');
  });
  await session.send('HeapProfiler.collectGarbage');
  const before = await heap();
  const loading = page.evaluate(
    async ({ backend, cache }) => {
      const start = performance.now();
      const vit = await library.loadViT('/model/model.json', { worker: false, backend, cache });
      return { milliseconds: Math.round(performance.now() - start), memory: await vit.memory() };
    },
    { backend, cache: cache === 'cache' },
  );
  let isLoading = true;
  loading.finally(() => {
    isLoading = false;
  });
  const samples = [];
  while (isLoading) samples.push((await heap()) - before);
  const result = await loading;
  const peak = Math.max(...samples);
  const total = shards.reduce((a, b) => a + b, 0);
  const round = (n) => Math.round(n * 100) / 100;
  console.log(
    JSON.stringify({
      backend,
      cache: cache === 'cache',
      modelMB: round(total / 1e6),
      peakMB: round(peak / 1e6),
      peakShards: round(peak / SHARD),
      samples: samples.length,
      ...result,
    }),
  );
} finally {
  await browser.close();
  await server.close();
}
