import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('who installs the library gets comlink with it, and nothing else', () => {
  const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(read('package.json'));
  expect(Object.keys(dependencies)).toEqual(['comlink']);
  expect([optionalDependencies, peerDependencies]).toEqual([undefined, undefined]);
});

test.each(['package-lock.json', 'bench/package-lock.json'])(
  '%s names no registry: everybody installs from their own',
  (path) => {
    expect(read(path)).not.toContain('"resolved"');
  },
);
