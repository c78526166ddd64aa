import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { wrongWith } from '../../build/check-release.js';
import { en } from '../../src/page/text/en.ts';
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

test.each(['package-lock.json', 'bench/package-lock.json', 'docs/package-lock.json'])(
  '%s names no registry: everybody installs from their own',
  (path) => {
    expect(read(path)).not.toContain('"resolved"');
  },
);

test('the code knows its release', () => {
  expect(VERSION).toBe(JSON.parse(read('package.json')).version);
});

test('a release is one where tag, package, code and changelog say the same', () => {
  const right = { manifest: '{"version":"1.2.3"}', source: "VERSION = '1.2.3'", changelog: '## [1.2.3] - 2026-01-02' };
  expect(wrongWith('v1.2.3', right)).toEqual([]);
  expect(wrongWith('v1.2.4', right)).toEqual(['The tag is v1.2.4, package.json says 1.2.3.']);
  expect(wrongWith('v1.2.3', { ...right, source: "VERSION = '1.2.2'" })).toEqual([
    'src/version.ts does not say 1.2.3.',
  ]);
  const undated = { ...right, changelog: '## [1.2.3] - unreleased' };
  expect(wrongWith('v1.2.3', undated)).toEqual(['CHANGELOG.md has no line "## [1.2.3] - YEAR-MONTH-DAY".']);
});

test("every issue template asks for the page's report, by the words on its buttons", () => {
  const templates = readdirSync(new URL('../../.github/ISSUE_TEMPLATE', import.meta.url)).filter(
    (file) => file !== 'config.yml',
  );
  expect(templates.length).toBeGreaterThan(0);
  for (const file of templates) {
    const text = read(`.github/ISSUE_TEMPLATE/${file}`);
    expect(text, file).toContain(`"${en.settings.check}"`);
    expect(text, file).toContain(`"${en.settings.copyReport}"`);
  }
});
