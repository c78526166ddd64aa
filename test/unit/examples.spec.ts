/**
 * The examples stay short, and none is left out of README or the matrix (test/matrix.js), which builds and uses them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const LINES = 60;
const MADE = /^(node_modules|model|vit|public|static|build|dist|\..*)$/;

const read = (path: string) => readFileSync(`examples/${path}`, 'utf8');
const names = readdirSync('examples', { withFileTypes: true }).filter((entry) => entry.isDirectory());

test('each is run by the matrix', () => {
  const runs = JSON.parse(readFileSync('test/package/examples.json', 'utf8'));
  expect(Object.keys(runs).sort()).toEqual(names.map(({ name }) => name).sort());
});

for (const { name } of names) {
  test(`${name} is in README, and has fewer than ${LINES} lines of its own`, () => {
    expect(read('README.md')).toContain(`[${name}](${name})`);
    const files = filesOf(name).filter((file) => !file.endsWith('package.json'));
    expect(files).not.toEqual([]);
    const lines = files.flatMap((file) =>
      read(file)
        .split('\n')
        .filter((line) => line.trim() !== ''),
    );
    expect(lines.length).toBeLessThan(LINES);
  });
}

function filesOf(folder: string): string[] {
  return readdirSync(`examples/${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (MADE.test(entry.name)) return [];
    return entry.isDirectory() ? filesOf(path) : [path];
  });
}
