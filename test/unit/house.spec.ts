/**
 * Imports go one way: every room of `src` imports what `test/harness/house.ts` allows, no file imports itself through
 * others, and CONTRIBUTING shows the same table. A file's name means one thing.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, normalize } from 'node:path/posix';
import { expect, test } from 'vitest';
import { HOUSE, houseTable } from '../harness/house.ts';

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const imports = new Map(files.map((file) => [file, importsOf(file)]));

/** Relative to `src`; type imports are none while a program runs, and count here all the same. */
function importsOf(file: string): string[] {
  const source = readFileSync(join('src', file), 'utf8');
  return [...source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, path]) =>
    normalize(join(file, '..', path)),
  );
}

function roomOf(file: string): string | undefined {
  if (file.startsWith('../shaders/')) return 'shaders';
  if (file.startsWith('../dist/wasm/')) return 'wasm';
  const holds = (name: string) => file === name || file.startsWith(`${name}/`);
  const rooms = HOUSE.map(({ name }) => name).filter(holds);
  return rooms.sort((a, b) => b.length - a.length)[0];
}

test('every file is in a room', () => expect(files.filter((file) => !roomOf(file))).toEqual([]));

for (const { name, mayImport } of HOUSE) {
  test(`${name} imports what it may`, () => {
    const own = files.filter((file) => roomOf(file) === name);
    expect(own).not.toEqual([]);
    const strangers = own.flatMap((file) =>
      imports
        .get(file)!
        .filter((path) => ![name, ...mayImport].includes(roomOf(path)!))
        .map((path) => `${file} imports ${path}`),
    );
    expect(strangers).toEqual([]);
  });
}

test('no room imports itself through others', () => {
  expect(circleIn(new Map(HOUSE.map(({ name, mayImport }) => [name, mayImport])), TYPES_ALONE)).toBeNull();
});

test('no file imports itself through others', () => expect(circleIn(imports)).toBeNull());

/**
 * Names that occur more than once on purpose: a kernel and its oracle, the layers of one thing on the page, the two programs
 * that a plan is compiled to, the worker of browsers and that of Node.
 */
const FAMILIES = [
  /^(kernels|reference)\//,
  /^page\/(state|engine|views)\//,
  /^(cpu|engine\/run)\/program\.ts$/,
  /^(worker|node)\/worker\.ts$/,
  /(^|\/)index\.ts$/,
];

test('files of one name are of one family', () => {
  // An annex has the name of what it brings, and a command that of what it runs.
  const named = files.filter((file) => !/^(annexes\/entries|cli)\//.test(file));
  const strangers = named.filter((file) => {
    const same = named.filter((other) => basename(other) === basename(file));
    return same.length > 1 && !FAMILIES.some((family) => same.every((other) => family.test(other)));
  });
  expect(strangers).toEqual([]);
});

test("CONTRIBUTING's table is this one; VIT_WRITE_DOCS=1 writes it", () => {
  const text = readFileSync('CONTRIBUTING.md', 'utf8');
  const fresh = text.replace(/^\| room \|.*(?:\n\|.*)*/m, () => houseTable());
  if (process.env.VIT_WRITE_DOCS) writeFileSync('CONTRIBUTING.md', fresh);
  else expect(text).toBe(fresh);
  expect(fresh).toContain(houseTable());
});

/** Their types name one another; at run time there is nothing of them. */
const TYPES_ALONE = new Set(['interface.ts', 'backend.ts']);

/** A path from a node to itself, or null. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>, leaves = new Set<string>()): string[] | null {
  const done = new Set<string>();
  const visit = (node: string, path: string[]): string[] | null => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node) || leaves.has(node)) return null;
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next, [...path, node]);
      if (circle) return circle;
    }
    done.add(node);
    return null;
  };
  for (const node of graph.keys()) {
    const circle = visit(node, []);
    if (circle) return circle;
  }
  return null;
}
