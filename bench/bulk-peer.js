/**
 * The peer of `vit-webgpu classify --out`, as one would write it: photos decoded and resized by sharp while the last ones are
 * computed by onnxruntime-node on all cores. Prints milliseconds from the first photo to the last label, and the labels.
 *
 *   node bench/bulk-peer.js model.onnx edge batch photo…
 */
import { createRequire } from 'node:module';
import sharp from 'sharp';

const ort = createRequire(new URL('package.json', import.meta.url))('onnxruntime-node');
const [file, edgeText, batchText, ...photos] = process.argv.slice(2);
const [edge, batch] = [Number(edgeText), Number(batchText)];
const session = await ort.InferenceSession.create(file, { executionProviders: ['cpu'], logSeverityLevel: 3 });
const plane = edge * edge;

/** To `[3, edge, edge]` from -1 to 1. */
async function read(photo) {
  const picture = sharp(photo).resize(edge, edge, { fit: 'fill', kernel: 'linear' }).removeAlpha();
  const bytes = await picture.toColourspace('srgb').raw().toBuffer();
  const pixels = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) for (let c = 0; c < 3; c++) pixels[c * plane + i] = bytes[i * 3 + c] / 127.5 - 1;
  return pixels;
}

async function readBatch(first) {
  const pixels = await Promise.all(photos.slice(first, first + batch).map(read));
  const data = new Float32Array(pixels.length * 3 * plane);
  for (const [i, one] of pixels.entries()) data.set(one, i * 3 * plane);
  return new ort.Tensor('float32', data, [pixels.length, 3, edge, edge]);
}

async function classify(pixel_values) {
  const { logits } = await session.run({ pixel_values });
  const [rows, classes] = logits.dims;
  return Array.from({ length: rows }, (_, row) => {
    const scores = logits.data.subarray(row * classes, (row + 1) * classes);
    return scores.indexOf(Math.max(...scores));
  });
}

await classify(await readBatch(0));
const start = performance.now();
const labels = [];
let next = readBatch(0);
for (let first = 0; first < photos.length; first += batch) {
  const tensor = await next;
  next = first + batch < photos.length ? readBatch(first + batch) : undefined;
  labels.push(...(await classify(tensor)));
}
console.log(JSON.stringify({ elapsed: performance.now() - start, labels }));
