/**
 * The site of the documentation lists every page there is, and no other. That its links lead somewhere is tested where it is
 * built (test/package/docs.js).
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { deadLinks } from '../harness/links.js';

const sections = JSON.parse(readFileSync('docs/.vitepress/pages.json', 'utf8')) as { items: { file: string }[] }[];
const listed = sections.flatMap(({ items }) => items).map(({ file }) => file);

test('docs/.vitepress/pages.json lists every page of docs', () => {
  const pages = readdirSync('docs').filter((file) => file.endsWith('.md') && file !== 'index.md');
  expect(listed).toEqual(expect.arrayContaining(pages.map((file) => `docs/${file}`)));
});

test('and pages that are there; those of the API are made of the types', () => {
  const isMade = (file: string) => file.startsWith('docs/api/');
  expect(listed.filter((file) => !isMade(file) && !existsSync(file))).toEqual([]);
  const { exports: entries } = JSON.parse(readFileSync('package.json', 'utf8'));
  const typed = Object.entries<{ types?: string }>(entries).filter(
    ([, { types }]) => types && !/script\.d\.ts/.test(types),
  );
  const modules = typed.map(([entry]) => `docs/api/vit-webgpu${entry.slice(1)}.md`);
  expect(listed.filter(isMade).sort()).toEqual(modules.sort());
});

test('what a site points at and is not there is found', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-links-'));
  mkdirSync(join(folder, 'a'));
  const links = ['#x', '#y', '/a/b.html#z', 'a/b.html#q', 'a/', 'nope.html', 'https://elsewhere.example/'];
  writeFileSync(
    join(folder, 'index.html'),
    `<i id="x"></i><img src="/no.jpg">${links.map((to) => `<a href="${to}">`)}`,
  );
  writeFileSync(join(folder, 'a/b.html'), '<p id="z"><a href="../index.html#x"><a href="../q.html">');
  const dead = ['#y', 'a/b.html#q', 'a/', 'nope.html', '/no.jpg'].map((to) => `index.html: ${to}`);
  expect(deadLinks(folder).sort()).toEqual([...dead, 'a/b.html: ../q.html'].sort());
  rmSync(folder, { recursive: true });
});
