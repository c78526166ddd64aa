/**
 * The converter's readers in a browser: the same files as in Node, as blobs of a page.
 */
import { expect, test } from 'vitest';
import { blobSource } from '../../src/convert/byte-source.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';

async function open(file: string) {
  const response = await fetch(new URL(`../fixtures/checkpoints/${file}`, import.meta.url));
  return openCheckpoint(blobSource(await response.blob()));
}

test.each([
  ['views.pt', 'views.safetensors'],
  ['scripted.pt', 'scripted.safetensors'],
  ['arrays-deflated.npz', 'arrays.safetensors'],
])('%s has the tensors of %s', async (file, expectedFile) => {
  const [checkpoint, expected] = [await open(file), await open(expectedFile)];
  const real = [...expected.tensors].filter(([, { dtype }]) => /f\d+$/.test(dtype)).map(([name]) => name);
  expect(real.length).toBeGreaterThan(3);
  for (const name of real) expect(await checkpoint.read(name), name).toEqual(await expected.read(name));
});
