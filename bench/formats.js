/**
 * `npm run bench:formats`: what f32, f16, i8 and i4 cost: bytes, milliseconds to load and for one image, bytes of memory, and what becomes
 * of the answer, of ViT-Ti and ViT-B, on the CPU in Node, on SwiftShader in Chrome, and on lavapipe by Dawn in Node.
 *
 *   npm run bench:formats [-- --models Ti,B --systems cpu,swiftshader,lavapipe --formats f32,f16,i8,i4 --write]
 *
 * Every load is a process or a page of its own, and checks the kernels of its GPU, as a first visit does. Weights come from a seed, but for
 * ViT-Tiny's where VIT_MODELS has them: then its photographs are classified, too. The logits of one input are compared with those of f32 on
 * the CPU: the root mean square of their differences, over that of how far they are from their mean. `--write` puts the table into
 * RESULTS.md, in place of the last one.
 */
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { cpus, loadavg } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { createServer } from 'vite';

const { values: flags } = parseArgs({
  options: {
    models: { type: 'string', default: 'Ti,B' },
    systems: { type: 'string', default: 'cpu,swiftshader,lavapipe' },
    formats: { type: 'string', default: 'f32,f16,i8,i4' },
    write: { type: 'boolean', default: false },
  },
});
const [models, systems, formats] = [flags.models, flags.systems, flags.formats].map((list) => list.split(','));
const CACHE = resolve('.cache/bench-formats');

const vite = await createServer({
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true },
});
const { writeSeeded, architectureOf, realCheckpoint, convertReal } = await vite.ssrLoadModule('/bench/models.ts');
const { goldenPixels } = await vite.ssrLoadModule('/src/model/golden.ts');
const { BENCH_CHROME_ARGS } = await vite.ssrLoadModule('/test/harness/chrome-args.ts');
const { writeSection } = await vite.ssrLoadModule('/bench/sections.ts');
await vite.close();
const { loadViT } = await import('../dist/node/index.js');

/** @returns its folder */
async function make(model, dtype) {
  const real = realCheckpoint(model, 224);
  const folder = join(CACHE, `${model}-${real ? 'real' : 'seed1'}-${dtype}`);
  if (existsSync(join(folder, 'model.json'))) return folder;
  // Under another name until it is complete.
  const partial = join(CACHE, 'partial');
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const architecture = architectureOf(model, 224);
  const sink = { write: async (file, bytes) => writeFileSync(join(partial, file), bytes) };
  if (real) {
    const manifest = await convertReal(real, sink, 224, dtype);
    writeFileSync(join(partial, 'model.json'), JSON.stringify(manifest));
    renameSync(partial, folder);
    return folder;
  }
  const manifest = await writeSeeded(architecture, sink, dtype);
  manifest.golden.logits = new Array(1000).fill(0);
  const path = join(partial, 'model.json');
  writeFileSync(path, JSON.stringify(manifest));
  // The CPU asks for no golden, and gives one.
  const shards = manifest.shards.map(({ file }) => new Uint8Array(readFileSync(join(partial, file))));
  const vit = await loadViT({ manifest, shards }, { backend: 'cpu', dtype: 'f32', worker: false });
  const shape = [1, 3, 224, 224];
  manifest.golden.logits = [...(await vit.forward({ data: goldenPixels(1, shape), shape })).logits.data];
  vit.dispose();
  writeFileSync(path, JSON.stringify(manifest));
  renameSync(partial, folder);
  return folder;
}

function inNode(folder, backend, prefix = []) {
  const [command, ...rest] = [
    ...prefix,
    ...(prefix.length ? [] : [process.execPath]),
    'bench/formats-run.js',
    folder,
    backend,
  ];
  return JSON.parse(execFileSync(command, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

async function inChrome(folder) {
  const types = { '.js': 'text/javascript', '.json': 'application/json', '.wasm': 'application/wasm' };
  const server = createHttp(({ url }, response) => {
    if (url === '/') return response.setHeader('content-type', 'text/html').end('<!doctype html><title>bench</title>');
    const file = url.startsWith('/lib/') ? join('dist', url) : join(folder, url);
    if (!existsSync(file)) return response.writeHead(404).end();
    response.setHeader('content-type', types[extname(url)] ?? 'application/octet-stream');
    createReadStream(file).pipe(response);
  });
  await new Promise((listening) => server.listen(0, listening));
  const browser = await chromium.launch({ executablePath: process.env.CHROME_PATH, args: BENCH_CHROME_ARGS });
  try {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${server.address().port}/`);
    return await page.evaluate(async () => {
      const { loadViT } = await import('/lib/index.js');
      const start = performance.now();
      const vit = await loadViT('/model.json', { backend: 'webgpu', cache: false });
      const load = performance.now() - start;
      const shape = [1, 3, 224, 224];
      const data = new Float32Array(3 * 224 * 224).map((_, i) => Math.sin(i));
      const times = [];
      let logits;
      for (let run = 0; run < 5; run++) {
        const begin = performance.now();
        ({ logits } = await vit.forward({ data: data.slice(), shape }));
        times.push(performance.now() - begin);
      }
      const { gpu, cpu } = await vit.memory();
      const image = times.slice(1).sort((a, b) => a - b)[1];
      return { dtype: vit.info.dtype, load, image, memory: gpu + cpu, logits: [...logits.data] };
    });
  } finally {
    await browser.close();
    server.close();
  }
}

const RUN = {
  cpu: (folder) => inNode(folder, 'cpu'),
  lavapipe: (folder) => inNode(folder, 'webgpu', ['test/harness/lavapipe.sh']),
  swiftshader: inChrome,
};

/** Of the real model's photographs, how many get their own best label. */
async function photographs(folder) {
  const golden = join(process.env.VIT_MODELS ?? '', 'vit-tiny-patch16-224', 'golden');
  const { images, pixels } = JSON.parse(readFileSync(join(golden, 'expected.json'), 'utf8'));
  const bytes = readFileSync(join(golden, pixels.file));
  const manifest = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'));
  const shards = manifest.shards.map(({ file }) => new Uint8Array(readFileSync(join(folder, file))));
  const vit = await loadViT({ manifest, shards }, { backend: 'cpu', worker: false });
  let right = 0;
  for (const [i, { top5 }] of images.entries()) {
    const size = 224 * 224;
    const data = new Float32Array(3 * size);
    for (let at = 0; at < 3 * size; at++)
      data[(at % 3) * size + Math.floor(at / 3)] = bytes[3 * size * i + at] / 127.5 - 1;
    const { logits } = await vit.forward({ data, shape: [1, 3, 224, 224] });
    if (logits.data.indexOf(Math.max(...logits.data)) === top5[0].index) right++;
  }
  vit.dispose();
  return `${right} of ${images.length}`;
}

/** Root mean square of what `logits` are off by, over that of how far the right ones are from their mean. */
function lossOf(logits, exact) {
  const mean = exact.reduce((sum, value) => sum + value, 0) / exact.length;
  const squares = (of) => exact.reduce((sum, value, i) => sum + of(value, i) ** 2, 0);
  return Math.sqrt(squares((value, i) => logits[i] - value) / squares((value) => value - mean));
}

const busy = loadavg()[0];
const lines = [
  '| model | format | bytes | system | load, ms | memory, bytes | one image, ms | logits off by | photographs |',
  '|---|---|---|---|---|---|---|---|---|',
];
console.log(lines.join('\n'));
for (const model of models) {
  const { logits: exact } = RUN.cpu(await make(model, 'f32'));
  for (const format of formats) {
    const folder = await make(model, format);
    const { shards } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'));
    const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0).toLocaleString('en');
    const known = realCheckpoint(model, 224) ? await photographs(folder) : '';
    for (const system of systems) {
      const { load, image, memory, logits } = await RUN[system](folder);
      const loss = lossOf(logits, exact);
      const figures = [
        load.toFixed(0),
        memory.toLocaleString('en'),
        image.toFixed(image < 100 ? 1 : 0),
        loss.toPrecision(2),
        known,
      ];
      lines.push(`| ViT-${model}/16 | ${format} | ${bytes} | ${system} | ${figures.join(' | ')} |`);
      console.log(lines.at(-1));
    }
  }
}
if (flags.write) {
  const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores, load ${busy.toFixed(1)} before`;
  const date = new Date().toISOString().slice(0, 10);
  await writeSection('formats', `${date}, Node ${process.version}, ${machine}.\n\n${lines.join('\n')}\n`);
}
process.exit();
