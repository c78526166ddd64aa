/**
 * One model in Node, for `formats.js`: `node formats-run.js FOLDER cpu|webgpu [dtype]`. Prints JSON: milliseconds to load and for
 * one image, bytes held, and logits.
 */
import { readFileSync } from 'node:fs';
import { create, globals } from 'webgpu';

const [folder, backend, dtype = 'auto'] = process.argv.slice(2);
let gpu;
if (backend === 'webgpu') {
  Object.assign(globalThis, globals);
  gpu = create([]);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
}
const { loadViT } = await import('../dist/node/index.js');
const manifest = JSON.parse(readFileSync(`${folder}/model.json`, 'utf8'));
const shards = manifest.shards.map(({ file }) => new Uint8Array(readFileSync(`${folder}/${file}`)));
const start = performance.now();
const vit = await loadViT({ manifest, shards }, { backend, dtype, worker: false });
const load = performance.now() - start;
const shape = [1, 3, ...vit.info.architecture.imageSize];
const data = new Float32Array(shape.reduce((a, b) => a * b)).map((_, i) => Math.sin(i));
const times = [];
let logits;
for (let run = 0; run < 7; run++) {
  const begin = performance.now();
  ({ logits } = await vit.forward({ data, shape }));
  times.push(performance.now() - begin);
}
// The files are held by this script.
const files = shards.reduce((sum, { length }) => sum + length, 0);
const { gpu: onGpu, cpu } = await vit.memory();
const image = times.slice(2).sort((a, b) => a - b)[2];
console.log(
  JSON.stringify({ dtype: vit.info.dtype, load, image, memory: onGpu + cpu - files, logits: [...logits.data] }),
);
process.exit();
