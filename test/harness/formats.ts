/**
 * The checkpoints of test/fixtures/checkpoints, and archives made up in a test.
 */
import { readFileSync } from 'node:fs';
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js/lib/zip-core-native.js';
import { bytesSource } from '../../src/convert/byte-source.ts';
import type { Checkpoint } from '../../src/convert/checkpoint.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';

export const CHECKPOINTS = new URL('../fixtures/checkpoints/', import.meta.url);

export function checkpointBytes(file: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(file, CHECKPOINTS)));
}

export function openBytes(bytes: Uint8Array): Promise<Checkpoint> {
  return openCheckpoint(bytesSource(bytes));
}

export function openFile(file: string): Promise<Checkpoint> {
  return openBytes(checkpointBytes(file));
}

/** A zip archive; `deflate` of none is stored. */
export async function zipFile(members: Record<string, Uint8Array | string>, deflate = false): Promise<Uint8Array> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), {
    level: deflate ? 6 : 0,
    useWebWorkers: false,
    extendedTimestamp: false,
    dataDescriptor: false,
  });
  for (const [name, content] of Object.entries(members)) {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    await writer.add(name, new Uint8ArrayReader(bytes));
  }
  return writer.close();
}

/** A pickle of opcodes: texts are taken letter by letter, numbers are bytes. */
export function pickleOf(...parts: (string | number)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => (typeof part === 'number' ? [part] : [...Buffer.from(part, 'latin1')])),
  );
}

/** What `torch.save` makes of such a pickle. */
export function torchFile(pickle: Uint8Array, storages: Record<string, Uint8Array> = {}): Promise<Uint8Array> {
  const data = Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes]);
  return zipFile({ 'archive/data.pkl': pickle, ...Object.fromEntries(data), 'archive/version': '3\n' });
}

/** Opcodes of one tensor `w` in storage 0 of f32. */
export function tensorPickle({
  length = 4,
  offset = 0,
  shape = [4],
  strides = [1],
}: {
  length?: number;
  offset?: number;
  shape?: number[];
  strides?: number[];
}): Uint8Array {
  const int = (value: number) => [0x8a, 8, ...new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)];
  const tuple = (values: number[]) => ['(', ...values.flatMap(int), 't'];
  return pickleOf(
    ...[0x80, 2, '}', 'X', 1, 0, 0, 0, 'w', 'ctorch._utils\n_rebuild_tensor_v2\n', '('],
    ...['(', 'U', 7, 'storage', 'ctorch\nFloatStorage\n', 'U', 1, '0', 'U', 3, 'cpu', ...int(length), 't', 'Q'],
    ...[...int(offset), ...tuple(shape), ...tuple(strides), 0x89, 'N', 't', 'R', 's', '.'],
  );
}
