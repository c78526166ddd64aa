/**
 * `npm run bench:tab`: what it costs to convert a checkpoint in the tab: seconds until the model is ready, beside those of the converted
 * model from its URL; and memory of the page meanwhile, in shards of 8 MiB beyond what it was before.
 *
 *   npm run bench:tab [-- --models Ti,B --backends cpu,webgpu --rounds 3]     with no round: memory alone
 *
 * The Hub is a server on this machine, the browser headless Chrome, each load in a fresh profile but the second visits. Weights come
 * from a seed. Time is measured with the engine in its worker; memory in another load, with the engine in the page, where Chrome reports
 * the size of all array buffers: `webgpu` shows what streams beside the weights, which are in another process then. It is sampled as
 * often as Chrome answers: once garbage and all, and in another load with all garbage collected before each look.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { createServer } from 'vite';

const { values: flags } = parseArgs({
  options: {
    models: { type: 'string', default: 'Ti,B' },
    backends: { type: 'string', default: 'cpu,webgpu' },
    rounds: { type: 'string', default: '3' },
  },
});
const SHARD = 8 * 2 ** 20;
const vite = await createServer({
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true },
  optimizeDeps: { noDiscovery: true, include: [] },
});
const load = (path) => vite.ssrLoadModule(path);
const { architectureOf, seededTensors } = await load('/bench/models.ts');
const { BENCH_CHROME_ARGS } = await load('/test/harness/chrome-args.ts');
const { safetensorsFile } = await load('/test/harness/checkpoints.ts');
const { HubServer } = await load('/test/harness/hub-server.ts');
const { serveBuilt } = await load('/test/reliability/server.ts');
const { openCheckpoint } = await load('/src/convert/open-checkpoint.ts');
const { bytesSource } = await load('/src/convert/byte-source.ts');
const { prepareModel } = await load('/src/convert/prepare-model.ts');
const { MemorySink } = await load('/src/convert/sink.ts');

/** A repository of timm's, and the model that it becomes. */
async function make(model) {
  const architecture = architectureOf(model, 224);
  const header = {};
  const pieces = [];
  let end = 0;
  for (const { name, shape, values } of seededTensors(architecture)) {
    const bytes = new Uint8Array(values.buffer);
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
    pieces.push(bytes);
  }
  const checkpoint = safetensorsFile(header, Buffer.concat(pieces));
  const name = { Ti: 'tiny', S: 'small', B: 'base', L: 'large' }[model];
  const config = {
    architecture: `vit_${name}_patch16_224`,
    num_classes: 1000,
    label_names: Array.from({ length: 1000 }, (_, i) => `class ${i}`),
    pretrained_cfg: {
      input_size: [3, 224, 224],
      crop_pct: 0.9,
      interpolation: 'bicubic',
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    },
  };
  const prepared = await prepareModel(await openCheckpoint(bytesSource(checkpoint)), { name: 'seeded', config });
  const sink = new MemorySink();
  await prepared.write(sink);
  return { checkpoint, config, manifest: prepared.manifest, files: sink.files };
}

/** In a page of its own profile. @param visit runs with `open`, which gives another page of it */
async function inChrome(origin, visit) {
  const browser = await chromium.launch({ executablePath: process.env.CHROME_PATH, args: BENCH_CHROME_ARGS });
  try {
    const context = await browser.newContext();
    return await visit(async () => {
      const page = await context.newPage();
      await page.goto(origin);
      return page;
    });
  } finally {
    await browser.close();
  }
}

/** Milliseconds until the weights are there, until ready, and until the first answer. */
const timeIn = (page, source, options) =>
  page.evaluate(
    async ({ source, options }) => {
      const { loadViT } = await import('/lib/index.js');
      const given = source ?? document.querySelector('input').files;
      const start = performance.now();
      let weightsAt = 0;
      const onProgress = ({ stage }) => {
        if (stage === 'compile') weightsAt = Date.now();
      };
      const vit = await loadViT(given, { ...options, onProgress });
      const loaded = performance.now() - start;
      await vit.classify(new ImageData(224, 224));
      const answered = performance.now() - start;
      vit.dispose();
      return { weightsAt, loaded, answered };
    },
    { source, options },
  );

/** Shards that the page holds at most while the weights come, and then while kernels are checked and a picture is classified. */
async function memoryOf(page, source, options, collect) {
  const session = await page.context().newCDPSession(page);
  const heap = async () => {
    if (collect) await session.send('HeapProfiler.collectGarbage');
    return (await session.send('Runtime.getHeapUsage')).backingStorageSize;
  };
  await page.evaluate(async () => {
    await import('/lib/index.js');
    await import('/lib/host.js');
  });
  await session.send('HeapProfiler.collectGarbage');
  const before = await heap();
  let isLoading = true;
  const loading = timeIn(page, source, { ...options, worker: false }).finally(() => {
    isLoading = false;
  });
  const samples = [];
  while (isLoading) samples.push({ at: Date.now(), bytes: (await heap()) - before });
  const { weightsAt } = await loading;
  const peakOf = (some) => (Math.max(...some.map(({ bytes }) => bytes)) / SHARD).toFixed(1);
  const [coming, checking] = [samples.filter(({ at }) => at <= weightsAt), samples.filter(({ at }) => at > weightsAt)];
  return `${peakOf(coming)}, then ${peakOf(checking)} (${samples.length} samples)`;
}

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const seconds = (times) => (times.length > 0 ? (median(times) / 1000).toFixed(2) : '');

console.log('| model | bytes | backend | load | seconds until ready | and answered | shards of 8 MiB beside it |');
console.log('|---|---|---|---|---|---|---|');
for (const model of flags.models.split(',')) {
  const { checkpoint, config, manifest, files } = await make(model);
  const server = await serveBuilt();
  for (const [file, bytes] of files) server.extra.set(`/model/${file}`, bytes);
  const logits = new Array(1000).fill(0);
  const encode = (value) => new TextEncoder().encode(JSON.stringify(value));
  // The CPU replays none.
  server.extra.set('/model/model.json', encode({ ...manifest, golden: { seed: 1, logits } }));
  const repo = 'bench/seeded';
  const files_ = { 'config.json': encode(config), 'model.safetensors': checkpoint };
  const hub = new HubServer({ repo, commit: '0'.repeat(40), files: files_ });
  const endpoint = await hub.start();
  const dropped = join(tmpdir(), `vit-webgpu-tab-${process.pid}-model.safetensors`);
  writeFileSync(dropped, checkpoint);
  const choose = async (page) => {
    await page.setContent('<input type="file" multiple>');
    await page.setInputFiles('input', [dropped]);
  };
  for (const backend of flags.backends.split(',')) {
    const url = `${server.origin}model/model.json`;
    const fromHub = { backend, hub: { endpoint } };
    const fromFile = { backend, convert: { config } };
    const loads = {
      ...(backend === 'cpu' && { 'converted, from its URL': { source: url, options: { backend } } }),
      'checkpoint, from the Hub': { source: `hf:${repo}`, options: fromHub },
      'checkpoint, dropped': { source: null, options: fromFile, prepare: choose },
    };
    for (const [what, { source, options, prepare = async () => {} }] of Object.entries(loads)) {
      const [first, second] = [[], []];
      for (let round = 0; round < Number(flags.rounds); round++) {
        await inChrome(server.origin, async (open) => {
          for (const times of [first, second]) {
            const page = await open();
            await prepare(page);
            times.push(await timeIn(page, source, options));
            await page.close();
          }
        });
      }
      const memoryWith = (collect) =>
        inChrome(server.origin, async (open) => {
          const page = await open();
          await prepare(page);
          return memoryOf(page, source, options, collect);
        });
      const memory =
        backend === 'webgpu' ? `with garbage ${await memoryWith(false)}; without ${await memoryWith(true)}` : '';
      const bytes = checkpoint.length.toLocaleString('en');
      for (const [visit, times, shards] of [
        ['', first, memory],
        [', second visit', second, ''],
      ]) {
        const [loaded, answered] = ['loaded', 'answered'].map((key) => seconds(times.map((time) => time[key])));
        console.log(
          `| ViT-${model}/16 | ${bytes} | ${backend} | ${what}${visit} | ${loaded} | ${answered} | ${shards} |`,
        );
      }
    }
  }
  server.close();
  hub.stop();
}
await vite.close();
process.exit();
