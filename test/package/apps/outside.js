/**
 * A script outside a browser: the model from files and from an address, pixels classified, and a picture that nothing here
 * can decode. Prints one line.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { checkSupport, loadViT, ViTError } from 'vit-webgpu';
import { loadViT as loadFromPath } from 'vit-webgpu/node';
import { openIndex } from 'vit-webgpu/search';

const FOLDER = 'public/model';
const read = (file) => new Uint8Array(readFileSync(`${FOLDER}/${file}`));
const manifest = JSON.parse(readFileSync(`${FOLDER}/model.json`, 'utf8'));
const files = { manifest, shards: manifest.shards.map(({ file }) => read(file)) };

const server = createServer(({ url }, response) => response.end(read(url.slice(1))));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${server.address().port}/model.json`;

const { webgpu } = await checkSupport();
const runs = [];
for (const source of [files, address]) {
  for (const backend of webgpu ? ['cpu', 'webgpu'] : ['cpu']) runs.push(await run(source, backend));
}
for (const index of [new URL('index/', address), pathToFileURL(`${FOLDER}/index`)]) runs.push(await search(index));
server.close();
runs.push(await runInThread());
console.log(JSON.stringify({ runs }));
// Bun at times waits for a worker that was ended.
process.exit();

async function run(source, backend) {
  try {
    const vit = await loadViT(source, { backend });
    const { passed } = await vit.selfTest();
    const labels = await vit.classify({ data: new Uint8Array(3 * 40 * 30).fill(90), width: 40, height: 30 });
    const refused = await vit.classify(new Blob([read('dog.jpg')])).catch((error) => error);
    vit.dispose();
    const isClear = refused instanceof ViTError && /give \{ data, width, height \}/.test(refused.message);
    return { passed: passed && labels.length === 5 && isClear && vit.info.backend === backend };
  } catch (error) {
    return { passed: false, error: `${error}` };
  }
}

async function search(address) {
  try {
    const vit = await loadViT(files, { backend: 'cpu' });
    const query = await vit.embed({ data: new Uint8Array(3 * 40 * 30).fill(90), width: 40, height: 30 });
    const index = await openIndex(address, { model: vit.info });
    const matches = await index.search(query, { k: 100 });
    index.dispose();
    vit.dispose();
    const isSorted = matches.every(({ score }, i) => i === 0 || score <= matches[i - 1].score);
    return { passed: matches.length === index.rows && isSorted };
  } catch (error) {
    return { passed: false, error: `${error}` };
  }
}

/** By the entry for servers: a model from its folder, a picture through a decoder of one's own. */
async function runInThread() {
  try {
    const decode = () => ({ data: new Uint8Array(3 * 40 * 30).fill(90), width: 40, height: 30 });
    const vit = await loadFromPath(FOLDER, { decode });
    const [decoded, given] = [await vit.classify(`${FOLDER}/dog.jpg`), await vit.classify(decode())];
    vit.dispose();
    return { passed: given.length === 5 && decoded[0].score === given[0].score && vit.info.backend === 'cpu' };
  } catch (error) {
    return { passed: false, error: `${error}` };
  }
}
