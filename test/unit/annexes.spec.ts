/**
 * Files beside the core, as the engine gets them: by address, once, and what is said where one cannot be had.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, expect, test } from 'vitest';
import { annexAddresses } from '../../src/annexes/addresses.ts';
import { Annexes } from '../../src/annexes/annexes.ts';
import { inFolder } from '../../src/annexes/in-folder.ts';
import { loadAnnex, register, registered } from '../../src/annexes/registry.ts';
import type { AnnexAddresses, AnnexData, AnnexName, AnnexTable } from '../../src/annexes/table.ts';
import { ViTError } from '../../src/error.ts';
import { loadViT } from '../../src/index.ts';
import { tinyModel } from '../harness/tiny-model.ts';

let warnings: string[];

beforeEach(() => {
  warnings = [];
  for (const name of Object.keys(registered())) delete registered()[name as keyof ReturnType<typeof registered>];
});

const annexesAt = (addresses: Record<string, string>) =>
  new Annexes(addresses as AnnexAddresses, (message) => warnings.push(message));
/** A script that a page's server might have at that address. */
const script = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;

test('every annex is where the page says, and registers itself there', async () => {
  const scripts = Object.entries(annexAddresses()).filter(([file]) => file.endsWith('.js'));
  for (const [file, address] of scripts) {
    const name = file.replace('.js', '') as AnnexName;
    expect(registered()).not.toHaveProperty(name);
    expect(await loadAnnex(name, address)).toBe(registered()[name]);
  }
});

test('one that another engine of this thread has loaded is not loaded again', async () => {
  const attend = {} as AnnexTable['attend'];
  register('attend', attend);
  expect(await annexesAt({ 'attend.js': 'file:///nowhere/attend.js' }).find('attend')).toBe(attend);
});

test.each([
  ['file:///nowhere/attend.js', /nowhere/],
  [script('syntax error'), /Unexpected/],
  [script("globalThis[Symbol.for('vit-webgpu/annexes/0.0.1')] = { attend: {} }"), /of another release/],
  [script('throw new Error("refused")'), /refused/],
])('one that cannot be had costs one warning, however often it is wanted: %s', async (address, why) => {
  const annexes = annexesAt({ 'attend.js': address });
  expect(await Promise.all([annexes.find('attend'), annexes.find('attend')])).toEqual([null, null]);
  const error = await annexes.need('attend').catch((error) => error);
  expect(error).toMatchObject({ code: 'network', message: expect.stringMatching(why) });
  expect(error.message).toMatch(/^There are no attention maps: .*"assets"/s);
  expect(warnings).toEqual([error.message]);
});

test('a file that is no script: from a folder, from a server, and from neither', async () => {
  const server = createServer(({ url }, response) => {
    response.writeHead(url === '/there' ? 200 : 404).end('text');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const bytes = async (address: string) => {
    const data = await annexesAt({ 'data.txt': address }).bytes('data.txt' as AnnexData);
    return new TextDecoder().decode(data);
  };
  try {
    expect(await bytes(import.meta.url)).toContain('a file that is no script');
    expect(await bytes(`${origin}/there`)).toBe('text');
    await expect(bytes(`${origin}/gone`)).rejects.toMatchObject({ code: 'network', message: /HTTP 404/ });
    await expect(bytes('file:///nowhere/data.txt')).rejects.toMatchObject({ code: 'network', message: /nowhere/ });
  } finally {
    server.close();
  }
});

test('without the engine there is no model in this thread, and the error says what to serve', async () => {
  const loading = loadViT(await tinyModel(), { worker: false, assets: 'file:///nowhere' });
  await expect(loading).rejects.toMatchObject({
    code: 'network',
    message: expect.stringMatching(/nowhere\/host\.js cannot be used.*vit-webgpu\/dist\/lib.*optimizeDeps/s),
  });
});

test('`assets` is a folder, with or without a slash', () => {
  for (const folder of ['https://cdn.example/vit', 'https://cdn.example/vit/', new URL('https://cdn.example/vit')]) {
    expect(annexAddresses(folder)['attend.js']).toBe('https://cdn.example/vit/attend.js');
    expect(inFolder(folder, 'worker.js').href).toBe('https://cdn.example/vit/worker.js');
  }
});

test("an error of an annex, which has a class of its own, is everybody's ViTError", () => {
  const theirs = Object.assign(new Error('no'), { name: 'ViTError', code: 'bad-input' });
  expect(theirs).toBeInstanceOf(ViTError);
  for (const other of [new Error('ViTError'), null, undefined, 'ViTError', {}])
    expect(other).not.toBeInstanceOf(ViTError);
});
