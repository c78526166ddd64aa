/**
 * Memory of the page while a model of about 350 MB in f32, made of zeros, loads onto the GPU: ViT-Base/16, seven blocks of
 * ViT-Large, or three of DINOv2's giant.
 *
 *   node bench/load-memory.js [auto|webgpu|cpu] [no|cache] [base|large|swiglu]
 *
 * Prints the largest size of all array buffers of the page, in MB and in shards of 8 MiB, beyond what they were before the
 * manifest was read: as they are, garbage and all; while the weights come, and while the kernels are checked afterwards.
 * The engine runs in the page, where Chrome reports it.
 */
import { createHash } from 'node:crypto';
import { chromium } from 'playwright';
import { createServer } from 'vite';

const SHAPES = {
  base: { width: 768, depth: 12, heads: 12, mlpWidth: 3072 },
  large: { width: 1024, depth: 7, heads: 16, mlpWidth: 4096 },
  swiglu: { width: 1536, depth: 3, heads: 24, mlpWidth: 4096, mlp: 'swiglu' },
};
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
const { Field } = await server.ssrLoadModule('/src/weights/field.ts');
const { parseArchitecture } = await server.ssrLoadModule('/src/weights/parse-architecture.ts');
const { BENCH_CHROME_ARGS } = await server.ssrLoadModule('/test/harness/chrome-args.ts');

const architecture = {
  imageSize: [224, 224],
  patchSize: [16, 16],
  channels: 3,
  ...SHAPES[shape],
  classes: 1000,
  activation: 'gelu',
  epsilon: 1e-6,
};
const { tensors, shards } = layOutShards(
  tensorShapes(parseArchitecture(new Field(architecture, 'architecture', ''))),
  'f32',
  SHARD,
);
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
const browser = await chromium.launch({ executablePath: process.env.CHROME_PATH, args: BENCH_CHROME_ARGS });
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
      let loadedAt = 0;
      const onProgress = ({ stage }) => {
        if (stage === 'compile') loadedAt = Date.now();
      };
      const vit = await library.loadViT('/model/model.json', { worker: false, backend, cache, onProgress });
      return { loadedAt, milliseconds: Math.round(performance.now() - start), memory: await vit.memory() };
    },
    { backend, cache: cache === 'cache' },
  );
  let isLoading = true;
  loading.finally(() => {
    isLoading = false;
  });
  const samples = [];
  while (isLoading) samples.push({ at: Date.now(), bytes: (await heap()) - before });
  const { loadedAt, ...result } = await loading;
  const peakOf = (some) => Math.max(...some.map(({ bytes }) => bytes));
  const peaks = {
    weights: peakOf(samples.filter(({ at }) => at <= loadedAt)),
    checks: peakOf(samples.filter(({ at }) => at > loadedAt)),
  };
  const total = shards.reduce((a, b) => a + b, 0);
  const round = (n) => Math.round(n * 100) / 100;
  console.log(
    JSON.stringify({
      backend,
      cache: cache === 'cache',
      modelMB: round(total / 1e6),
      ...Object.fromEntries(
        Object.entries(peaks).map(([when, bytes]) => [when, { MB: round(bytes / 1e6), shards: round(bytes / SHARD) }]),
      ),
      samples: samples.length,
      ...result,
    }),
  );
} finally {
  await browser.close();
  await server.close();
}
