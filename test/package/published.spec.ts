/**
 * What is published: exactly these files, with exactly these types. `test/package/golden` holds both as text, so that a
 * change of either is read, and meant, before it reaches anyone.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';

interface Packed {
  files: { path: string }[];
}
type Exports = Record<string, string | { types: string }>;

const GOLDEN = 'test/package/golden';
const ADVICE = `If that is meant, write ${GOLDEN} anew with
  VIT_WRITE_DOCS=1 npx playwright test --project=package published
and say so in CHANGELOG.md; docs/releasing.md says which version it takes.`;

const { exports: entries, version } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Exports;
  version: string;
};

test('exactly these files are packed', () => {
  const said = execFileSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], { encoding: 'utf8' });
  const [{ files }] = JSON.parse(said) as [Packed];
  const hashed = /-[\w-]{8}(?=\.js$)/;
  const paths = files.map(({ path }) => path.replace(hashed, '-HASH'));
  expectGolden('files.txt', `${paths.sort().join('\n')}\n`, 'Other files are packed than before.');
});

for (const [entry, target] of Object.entries(entries)) {
  if (typeof target === 'string') continue;
  const name = entry === '.' ? 'index' : entry.slice(2);

  test(`the types of vit-webgpu${entry.slice(1)} are as they were`, () => {
    const text = declarations(readFileSync(target.types, 'utf8'));
    expectGolden(`${name}.txt`, text, `The public API has changed: ${target.types}.`);
  });
}

test('no type needs those of WebGPU, but for the device that a caller brings', () => {
  const types = declarations(readFileSync('dist/types/index.d.ts', 'utf8'));
  expect(new Set(types.match(/\bGPU\w+/g))).toEqual(new Set(['GPUDevice']));
});

test('the changelog has this version', () => {
  expect(readFileSync('CHANGELOG.md', 'utf8')).toContain(`\n## [${version}]`);
});

/** Without comments, a name a line, and in an order that does not depend on the files that they came from. */
function declarations(types: string): string {
  const lines = types
    .replace(/\/\*[\s\S]*?\*\/|^\/\/.*$/gm, '')
    .replace(/^(import|export) \{(.*)\}/gm, (_, verb: string, names: string) => {
      const sorted = names.split(',').map((name) => name.trim());
      return `${verb} {\n  ${sorted.sort().join(',\n  ')}\n}`;
    })
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => `${line.trimEnd()}\n`);
  const statements = lines.join('').split(/^(?=(?:declare|interface|type|import|export)\b)/m);
  return statements.sort().join('');
}

function expectGolden(file: string, text: string, message: string): void {
  const path = `${GOLDEN}/${file}`;
  if (process.env.VIT_WRITE_DOCS) writeFileSync(path, text);
  const golden = existsSync(path) ? readFileSync(path, 'utf8') : '';
  expect(text, `${message} ${ADVICE}`).toBe(golden);
}
