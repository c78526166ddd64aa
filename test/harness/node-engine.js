/**
 * The built library in Node on a device of Dawn's, run by test/package/node.spec.ts in a process of its own: the driver is
 * chosen by the environment, before the process starts.
 */
import { readFileSync } from 'node:fs';
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
// Dawn must outlive its devices.
globalThis.dawn = create([]);
const device = await (await globalThis.dawn.requestAdapter()).requestDevice();

const { loadViT } = await import('../../dist/lib/index.js');
const folder = 'weights/vit-cifar10';
const manifest = JSON.parse(readFileSync(`${folder}/model.json`, 'utf8'));
const shards = manifest.shards.map(({ file }) => new Uint8Array(readFileSync(`${folder}/${file}`)));
const vit = await loadViT({ manifest, shards }, { worker: false, device, backend: 'webgpu' });
console.log(JSON.stringify({ backend: vit.info.backend, selfTest: await vit.selfTest() }));
vit.dispose();
