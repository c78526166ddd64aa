/**
 * `npm run bench:bulk`: photos per second, from files to labels, on the CPU: `vit-webgpu classify --out` beside onnxruntime-node
 * with the same decoder, all cores each, in turn in one run. Loading is not in it. `decode` is sharp alone.
 *
 *   npm ci --prefix bench && npm run bench:bulk [-- photos megapixels model…]      96 0.3 Ti
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import sharp from 'sharp';
import { createServer } from 'vite';

const loadBefore = loadavg()[0];
const ROUNDS = 3;
const EDGE = 224;
/** The peer's is the fastest of 1, 4, 8 and 16 in a run before the others. */
const PEER_BATCHES = [1, 4, 8, 16];
const CORES = availableParallelism();

const [count = '96', megapixels = '0.3', ...sizes] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-bulk-'));
const server = await createServer({ configFile: false, publicDir: false, logLevel: 'error', appType: 'custom' });
try {
  for (const target of ['lib', 'cli'])
    execFileSync('npm', ['run', '--silent', `build:${target}`], { stdio: 'inherit' });
  const photos = await drawPhotos(Number(count), Number(megapixels));
  const { prepareModel } = await server.ssrLoadModule('/bench/models.ts');
  const busy = loadBefore > 1 ? ' (busy)' : '';
  console.log(
    `${CORES} cores, ${cpus()[0].model}, load ${loadBefore.toFixed(2)}${busy}; ${count} photos of ${megapixels} MP`,
  );
  console.log('| model | vit-webgpu, photos/s | onnxruntime-node, photos/s | decode, photos/s | labels agree |');
  console.log('|---|---|---|---|---|');
  for (const size of sizes.length > 0 ? sizes : ['Ti'])
    await measure(await prepareModel(size, EDGE, '.cache/bench', 'f32'), photos);
} finally {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}

/** The samples, each with another brightness. @returns paths of JPEGs */
async function drawPhotos(count, megapixels) {
  const samples = readdirSync('public/samples').filter((name) => name.endsWith('.jpg'));
  mkdirSync(join(folder, 'photos'));
  const width = Math.round(Math.sqrt((megapixels * 1e6 * 4) / 3));
  const photos = [];
  for (let i = 0; i < count; i++) {
    const picture = sharp(join('public/samples', samples[i % samples.length]));
    const photo = picture.resize(width, Math.round((width * 3) / 4), { fit: 'fill' }).linear(1 + i / 400);
    photos.push(join(folder, 'photos', `${String(i).padStart(5, '0')}.jpg`));
    writeFileSync(photos[i], await photo.jpeg({ quality: 90 }).toBuffer());
  }
  return photos;
}

async function measure({ title, folder: model }, photos) {
  const peer = (batch) => {
    const args = ['bench/bulk-peer.js', join(model, 'model.onnx'), EDGE, batch, ...photos].map(String);
    const { elapsed, labels } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
    return { rate: (photos.length / elapsed) * 1000, labels: labels.map((index) => `class ${index}`) };
  };
  const tried = PEER_BATCHES.map((batch) => ({ batch, ...peer(batch) }));
  const { batch } = tried.reduce((best, one) => (one.rate > best.rate ? one : best));
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const runs = { ours: () => ours(model, photos, round), theirs: () => peer(batch), decode: () => decode(photos) };
    const names = Object.keys(runs);
    const result = {};
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length];
      result[name] = await runs[name]();
    }
    rounds.push(result);
  }
  const spread = (name) => {
    const rates = rounds.map((round) => round[name].rate).sort((a, b) => a - b);
    return `${rates[1].toFixed(1)} (${rates[0].toFixed(1)}–${rates[2].toFixed(1)})`;
  };
  const [{ ours: own, theirs }] = rounds;
  const agree = own.labels.filter((label, i) => label === theirs.labels[i]).length;
  const cells = [
    title,
    spread('ours'),
    `${spread('theirs')}, batch ${batch}`,
    spread('decode'),
    `${agree} of ${photos.length}`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

async function ours(model, photos, round) {
  const out = join(folder, `out-${round}-${Date.now()}`);
  const args = ['classify', '--images', join(folder, 'photos'), '--model', model, '--top-k', '1', '--out', out];
  const said = execFileSync(process.execPath, ['dist/cli/vit-webgpu.js', ...args, '--threads', String(CORES)], {
    encoding: 'utf8',
  });
  const bytes = await readFile(join(out, 'part-00000.parquet'));
  const rows = await parquetReadObjects({
    file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  });
  if (rows.length !== photos.length) throw new Error(`${rows.length} rows: give at most 1000 photos.`);
  return { rate: Number(/([\d.]+)\/s/.exec(said)[1]), labels: rows.map(({ labels }) => labels[0]) };
}

/** As ours does it: whole pixels, as many at once as there are threads of libuv. */
async function decode(photos) {
  const start = performance.now();
  const left = photos.values();
  const lane = async () => {
    for (const photo of left)
      await sharp(await readFile(photo), { ignoreIcc: true })
        .ensureAlpha()
        .raw()
        .toBuffer();
  };
  await Promise.all(Array.from({ length: 4 }, lane));
  return { rate: (photos.length / (performance.now() - start)) * 1000 };
}
