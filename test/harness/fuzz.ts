/**
 * Mutated files, for property-based tests of everything that reads one. A round is as long as CI can bear:
 * `VIT_FUZZ_RUNS` makes a longer one, `VIT_FUZZ_SEED` repeats one. In Node and in a browser.
 */
import fc from 'fast-check';

// Browsers get them from vite.config.ts.
const { VIT_FUZZ_RUNS, VIT_FUZZ_SEED } = (globalThis.process?.env ?? import.meta.env) as Record<string, string>;

export const SEED = Number(VIT_FUZZ_SEED || Date.now() % 2 ** 31);

/** @param usual cases of a reader's round in CI */
export function fuzzRuns(usual: number): number {
  const runs = Number(VIT_FUZZ_RUNS || usual);
  console.log(`fuzzing: ${runs} cases each, VIT_FUZZ_SEED=${SEED}`);
  return runs;
}

/** One change of a file; places and lengths are fractions of what is there. */
type Edit =
  | { kind: 'set'; at: number; value: number }
  | { kind: 'flip'; at: number; value: number }
  | { kind: 'delete'; at: number; length: number }
  | { kind: 'repeat'; at: number; length: number }
  | { kind: 'number'; at: number; value: number; width: 2 | 4 | 8; isLittle: boolean }
  | { kind: 'insert'; at: number; bytes: Uint8Array }
  | { kind: 'truncate'; at: number };

/** Anywhere alike: `fc.double` would nearly always be close to 0, and all changes within the first bytes. */
const place = fc.noBias(fc.nat(2 ** 30 - 1)).map((value) => value / 2 ** 30);

/** Sizes and offsets where things go wrong. */
export const boundary = fc.constantFrom(0, 1, 2, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53);

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: place, value: fc.nat(255) }),
  fc.record({ kind: fc.constant('flip' as const), at: place, value: fc.nat(7) }),
  fc.record({ kind: fc.constant('delete' as const), at: place, length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('repeat' as const), at: place, length: fc.integer({ min: 1, max: 200 }) }),
  fc.record({
    kind: fc.constant('number' as const),
    at: place,
    value: boundary,
    width: fc.constantFrom(2 as const, 4 as const, 8 as const),
    isLittle: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('insert' as const), at: place, bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }) }),
  fc.record({ kind: fc.constant('truncate' as const), at: place }),
);

export const edits = fc.array(edit, { minLength: 1, maxLength: 6 });

/** @param within bytes from the beginning in which the changes are; default all of them */
export function mutate(file: Uint8Array, changes: readonly Edit[], within = Infinity): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(file);
  for (const change of changes) {
    const at = Math.floor(change.at * Math.min(within, bytes.length));
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    if (change.kind === 'truncate') bytes = before.slice();
    else if (change.kind === 'insert') bytes = concat(before, change.bytes, after);
    else if (change.kind === 'delete') bytes = concat(before, after.subarray(change.length));
    else if (change.kind === 'repeat') bytes = concat(before, after.subarray(0, change.length), after);
    else if (at >= bytes.length) continue;
    else if (change.kind === 'set') bytes[at] = change.value;
    else if (change.kind === 'flip') bytes[at] ^= 1 << change.value;
    else if (at + change.width <= bytes.length) bytes.set(numberBytes(change.value, change.width, change.isLittle), at);
  }
  return bytes;
}

/** The low bytes of a whole number. */
function numberBytes(value: number, width: number, isLittle: boolean): Uint8Array {
  const bytes = Uint8Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) % 256);
  return isLittle ? bytes : bytes.reverse();
}

function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
