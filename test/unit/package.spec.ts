import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VERSION } from '../../src/version.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('who installs the library gets comlink with it, and nothing else', () => {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
    read('package.json'),
  );
  expect(Object.keys(dependencies)).toEqual(['comlink']);
  expect(optionalDependencies).toBeUndefined();
  // What npm would install, too, if it were not optional.
  for (const name of Object.keys(peerDependencies))
    expect(peerDependenciesMeta[name], name).toEqual({ optional: true });
});

test('and comlink brings nothing: another version of it, or anything besides, is to be looked at before it comes', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { dev?: true }> };
  const installed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev);
  expect(installed).toEqual([
    [
      'node_modules/comlink',
      {
        version: '4.4.2',
        license: 'Apache-2.0',
        integrity: 'sha512-OxGdvBmJuNKSCMO4NTl1L47VRp6xn2wG4F/2hYzB6tiCb709otOxtEYCSvK80PtjODfXXZu8ds+Nw5kVCjqd2g==',
      },
    ],
  ]);
});

test.each(['package-lock.json', 'bench/package-lock.json'])(
  '%s names no registry: everybody installs from their own',
  (path) => {
    expect(read(path)).not.toContain('"resolved"');
  },
);

test('the code knows its release', () => {
  expect(VERSION).toBe(JSON.parse(read('package.json')).version);
});
