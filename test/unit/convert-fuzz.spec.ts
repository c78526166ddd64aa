/**
 * Every reader against mutated files: each ends in tensors or in a ViTError, soon, and without memory that the file does
 * not account for.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../src/convert/byte-source.ts';
import type { Checkpoint } from '../../src/convert/checkpoint.ts';
import { requireReal } from '../../src/convert/elements.ts';
import { openNpz } from '../../src/convert/npz/open-npz.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { openSharded } from '../../src/convert/sharded.ts';
import { openTorch } from '../../src/convert/torch/open-torch.ts';
import { openZip, type ZipMember } from '../../src/convert/zip.ts';
import { ViTError } from '../../src/error.ts';
import { checkpointBytes, openBytes, pickleOf } from '../harness/formats.ts';
import { boundary, edits, fuzzRuns, mutate, SEED } from '../harness/fuzz.ts';

const RUNS = fuzzRuns(1000);
/** A case takes a millisecond or two; this is what a loop without end would exceed on any machine. */
const SLOW_MS = 5000;
/** A view may repeat its storage up to 2^24 elements (src/convert/torch/open-torch.ts), as float32. */
const MOST_ELEMENTS = 2 ** 24;

/** Opens and reads everything. @throws whatever is no ViTError, and for what takes too long or too much */
async function survive(open: () => Promise<Checkpoint>): Promise<void> {
  const start = performance.now();
  try {
    const checkpoint = await open();
    let elements = 0;
    for (const [name, { dtype }] of checkpoint.tensors) {
      const values = await readReal(checkpoint, name, dtype);
      elements += values;
      // Tensors may share a storage: each for itself is bounded, and what is read is given back.
      if (values > MOST_ELEMENTS) throw new Error(`${name} has ${values} elements`);
      if (elements > 4 * MOST_ELEMENTS) break;
    }
  } catch (error) {
    if (!(error instanceof ViTError)) throw error;
  }
  const took = performance.now() - start;
  if (took > SLOW_MS) throw new Error(`took ${took} ms`);
}

async function readReal(checkpoint: Checkpoint, name: string, dtype: string): Promise<number> {
  try {
    requireReal(name, dtype);
  } catch {
    return 0;
  }
  return (await checkpoint.read(name)).length;
}

function fuzz<T>(name: string, input: fc.Arbitrary<T>, property: (value: T) => Promise<void>): void {
  const timeout = 60_000 + RUNS * 60;
  test(name, { timeout }, async () => {
    const before = process.memoryUsage().rss;
    await fc.assert(fc.asyncProperty(input, property), { numRuns: RUNS, seed: SEED, endOnFailure: true });
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 29);
  });
}

/** The members of a real archive, with other bytes for one of them: no CRC stands before the reader. */
async function membersWith(file: string, name: RegExp, bytes: (original: Uint8Array) => Uint8Array<ArrayBuffer>) {
  const members = await openZip(bytesSource(checkpointBytes(file)));
  const changed = [...members.values()].map(async (member): Promise<[string, ZipMember]> => {
    const original = await member.read(0, member.size);
    const content = name.test(member.name) ? bytes(original) : original;
    const { read } = bytesSource(content);
    return [member.name, { name: member.name, size: content.length, read }];
  });
  return new Map(await Promise.all(changed));
}

describe('mutated files', () => {
  const anyOf = (...files: string[]) => fc.tuple(fc.constantFrom(...files.map(checkpointBytes)), edits);

  fuzz('safetensors', anyOf('views.safetensors', 'vit.safetensors'), ([file, changes]) =>
    survive(() => openBytes(mutate(file, changes))),
  );
  fuzz(
    'zip archives',
    anyOf('views.pt', 'scripted.pt', 'arrays.npz', 'arrays-deflated.npz', 'lstm.pt'),
    ([file, changes]) => survive(() => openBytes(mutate(file, changes))),
  );
  for (const file of ['views.pt', 'views-protocol4.bin', 'scripted.pt', 'vit-training.pth']) {
    const original = membersWith(file, /$^/, (bytes) => new Uint8Array(bytes));
    fuzz(`the pickle of ${file}`, edits, async (changes) => {
      const members = new Map(await original);
      const [name, pickle] = [...members].find(([member]) => member.endsWith('data.pkl'))!;
      const bytes = mutate(await pickle.read(0, pickle.size), changes);
      members.set(name, { name, size: bytes.length, read: bytesSource(bytes).read });
      await survive(() => openTorch(members));
    });
  }
  const arrays = membersWith('arrays.npz', /$^/, (bytes) => new Uint8Array(bytes));
  fuzz('NumPy arrays', fc.tuple(fc.nat(8), edits), async ([index, changes]) => {
    const members = new Map(await arrays);
    const [name, array] = [...members][index];
    const bytes = mutate(await array.read(0, array.size), changes);
    members.set(name, { name, size: bytes.length, read: bytesSource(bytes).read });
    await survive(() => openNpz(members));
  });
  const index = new TextEncoder().encode(
    JSON.stringify({ metadata: { total_size: 9 }, weight_map: { a: 'a.safetensors', b: 'b.safetensors' } }),
  );
  fuzz('indices', edits, (changes) =>
    survive(() =>
      openSharded(
        bytesSource(mutate(index, changes)),
        async () => bytesSource(checkpointBytes('vit.safetensors')),
        (part) => openCheckpoint(part),
      ),
    ),
  );
});

/** Opcodes that build something, so that random pickles get further than their first byte. */
const opcode = fc.oneof(
  fc.constantFrom(
    '(',
    ')',
    ']',
    '}',
    '0',
    '1',
    '2',
    'N',
    't',
    'l',
    'd',
    'a',
    'e',
    's',
    'u',
    'R',
    'b',
    'Q',
    '\x81',
    '\x85',
  ),
  fc.constantFrom(
    '\x86',
    '\x87',
    '\x88',
    '\x8f',
    '\x90',
    '\x93',
    '\x94',
    'h\x00',
    'h\x01',
    'q\x00',
    'q\x01',
    'j\x00\x00\x00\x00',
  ),
  fc.constantFrom('ctorch._utils\n_rebuild_tensor_v2\n', 'ccollections\nOrderedDict\n', 'cargparse\nNamespace\n'),
  fc.constantFrom(
    'ctorch\nFloatStorage\n',
    'ctorch\nSize\n',
    'cos\nsystem\n',
    'ctorch._tensor\n_rebuild_from_type_v2\n',
  ),
  fc.constantFrom('U\x01w', 'U\x010', 'U\x07storage', 'U\x03cpu', 'X\x01\x00\x00\x00x'),
  fc.nat(255).map((value) => `K${String.fromCharCode(value)}`),
  boundary.map((value) => `\x8a\x08${Buffer.from(BigInt64Array.of(BigInt(value)).buffer).toString('latin1')}`),
  fc.constant(`U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04`),
);

fuzz('pickles of random opcodes', fc.array(opcode, { maxLength: 60 }), async (opcodes) => {
  const pickle = pickleOf(0x80, 2, ...opcodes, '.');
  const storage = new Uint8Array(16);
  const members = new Map<string, ZipMember>([
    ['x/data.pkl', { name: 'x/data.pkl', size: pickle.length, read: bytesSource(pickle).read }],
    ['x/data/0', { name: 'x/data/0', size: storage.length, read: bytesSource(storage).read }],
  ]);
  await survive(() => openTorch(members));
});
