/**
 * Every fixture converted in a tab, in one worker, as `loadViT` does it there: what the browser keeps is what `convert` writes in
 * Node, to the bit. Whether that is right is for `test/model/families*.spec.ts`.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { bytesSource } from '../../src/convert/byte-source.ts';
import type { ConvertOptions } from '../../src/convert/convert.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { prepareModel } from '../../src/convert/prepare-model.ts';
import type { Manifest } from '../../src/weights/manifest.ts';
import { answersOf, type Fixture as SecondFixture } from '../harness/families2.ts';
import { type Fixture as FirstFixture, flagsOf } from '../harness/hints.ts';
import { HubServer, MADE_UP } from '../harness/hub-server.ts';
import { withTimmAnswers } from '../harness/timm-answers.ts';
import { serveBuilt } from './server.ts';

const FIXTURES = 'test/fixtures';
const CONFIGS = ['config.json', 'open_clip_config.json'];

type Converted = Omit<Manifest, 'golden'>;

interface Case {
  name: string;
  checkpoint: string;
  /** By name, as they lie beside each other. */
  files: Record<string, Uint8Array>;
  answers: Partial<ConvertOptions>;
}

function casesOf(set: 'families' | 'families2'): Case[] {
  return readdirSync(join(FIXTURES, set)).map((name) => {
    const read = (file: string) => new Uint8Array(readFileSync(join(FIXTURES, set, name, file)));
    const parse = (file: string) => JSON.parse(new TextDecoder().decode(read(file)));
    const expected: FirstFixture & SecondFixture = parse('expected.json');
    const { checkpoint = 'model.safetensors' } = expected;
    const beside = CONFIGS.filter((file) => existsSync(join(FIXTURES, set, name, file)));
    const config = beside.length > 0 ? parse(beside[0]) : undefined;
    // Trained for squares of 32, shown something larger.
    const trained: [number, number] | undefined = name === 'timm-vit-resampled' ? [32, 32] : undefined;
    const { config: _, ...answers } = set === 'families' ? flagsOf(expected, trained) : answersOf(expected, config);
    const files = Object.fromEntries([checkpoint, ...beside].map((file) => [file, read(file)]));
    return { name, checkpoint, files, answers: { ...answers, name } };
  });
}

/** In Node. @param source what the tab knows of where the checkpoint comes from */
async function converted({ checkpoint, files, answers }: Case, source: object): Promise<Converted> {
  const bytes = files[checkpoint];
  const config = CONFIGS.filter((file) => files[file]).map((file) => JSON.parse(new TextDecoder().decode(files[file])));
  const sha256 = sha256Of(bytes);
  const model = await prepareModel(await openCheckpoint(bytesSource(bytes)), {
    ...answers,
    name: answers.name!,
    config: config[0],
    source: { ...source, sha256 },
  });
  await model.write({ write: async () => {} });
  return model.manifest;
}

/** Loads in the worker, which has threads of its own only where it is asked for some. */
const WORKER = `
  onmessage = async ({ data: { source, options } }) => {
    try {
      const { loadViT } = await import(location.origin + '/lib/index.js');
      const vit = await loadViT(source, { ...options, backend: 'cpu', threads: 1, worker: false });
      vit.dispose();
      postMessage(null);
    } catch (error) {
      postMessage(error.message);
    }
  };
`;

test('every fixture is in the tab what it is in Node, to the bit', async ({ page }) => {
  const server = await serveBuilt();
  const hub = new HubServer({ ...MADE_UP });
  const endpoint = await hub.start();
  server.extra.set('/worker.js', new TextEncoder().encode(WORKER));
  try {
    await page.goto(server.origin);
    await page.setContent('<input type="file" multiple>');
    await page.evaluate(() => {
      Object.assign(globalThis, { converter: new Worker('/worker.js') });
    });
    const cases = [...casesOf('families'), ...casesOf('families2')];
    const expected = new Map<string, Converted>();
    for (const one of cases) {
      const { name, checkpoint, files } = one;
      one.answers = withTimmAnswers(await openCheckpoint(bytesSource(files[checkpoint])), {
        ...one.answers,
        config: CONFIGS.some((file) => files[file]) ? {} : undefined,
      });
      delete one.answers.config;
      const repo = `fixtures/${name}`;
      const isDropped = !checkpoint.endsWith('.safetensors');
      if (isDropped) {
        const buffers = Object.entries(files).map(([file, bytes]) => ({
          name: file,
          mimeType: '',
          buffer: Buffer.from(bytes),
        }));
        await page.setInputFiles('input', buffers);
      } else hub.fixture = { ...MADE_UP, repo, files };
      const failed = await page.evaluate(
        ({ source, options }) => {
          const { converter } = globalThis as unknown as { converter: Worker };
          const given = source ?? [...document.querySelector('input')!.files!];
          converter.postMessage({ source: given, options });
          return new Promise((resolve) => {
            converter.onmessage = ({ data }) => resolve(data);
          });
        },
        {
          source: isDropped ? null : `hf:${repo}`,
          options: { convert: one.answers, ...(!isDropped && { hub: { endpoint } }) },
        },
      );
      expect([name, failed]).toEqual([name, null]);
      const { commit, cardData } = MADE_UP;
      const source = { repository: `${endpoint}/${repo}`, revision: commit, license: cardData!.license };
      expected.set(name, await converted(one, isDropped ? {} : source));
    }

    const { manifests, hashes } = await page.evaluate(async () => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('vit-webgpu');
      const manifests: Converted[] = [];
      const hashes: string[] = [];
      for await (const [name, handle] of folder.entries()) {
        const file = await (handle as FileSystemFileHandle).getFile();
        if (name.endsWith('.json')) manifests.push(JSON.parse(await file.text()).manifest);
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
        hashes.push(Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join(''));
      }
      return { manifests, hashes };
    });
    const kept = new Map(manifests.map((manifest) => [manifest.name, manifest]));
    for (const [name, manifest] of expected) {
      expect(kept.get(name), name).toEqual(JSON.parse(JSON.stringify(manifest)));
      expect(hashes, name).toEqual(expect.arrayContaining(manifest.shards.map(({ sha256 }) => sha256)));
    }
    expect(expected.size).toBe(cases.length);
    expect(kept.size).toBe(cases.length);
  } finally {
    server.close();
    hub.stop();
  }
});

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
