/**
 * Memory that threads share, and the modules of the kernels for it.
 */
import { readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { forSharedMemory, sharedMemory } from '../../src/cpu/shared-memory.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('without it, and where a thread may not sleep, there is none', () => {
  expect(sharedMemory()?.buffer).toBeInstanceOf(SharedArrayBuffer);
  vi.stubGlobal('SharedArrayBuffer', undefined);
  expect(sharedMemory()).toBeNull();
  vi.unstubAllGlobals();
  vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    throw new TypeError('Atomics.wait cannot be called in this context');
  });
  expect(sharedMemory()).toBeNull();
});

test('a module takes it after a change of one bit, and no other memory', async () => {
  const bytes = readFileSync('dist/wasm/cpu-plain.wasm');
  const shared = forSharedMemory(bytes);
  expect([...shared].filter((byte, i) => byte !== bytes[i])).toEqual([3]);
  const module = await WebAssembly.compile(shared);
  await WebAssembly.instantiate(module, { env: { memory: sharedMemory()! } });
  const own = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  await expect(WebAssembly.instantiate(module, { env: { memory: own } })).rejects.toThrow(/shared/);
});

const MODULE = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const NAMES = [...new TextEncoder().encode('\x03env\x06memory')];

test.each<[string, number[]]>([
  ['whose memory has no maximum', [2, 15, 1, ...NAMES, 2, 0, 0]],
  ['whose memory is shared already', [2, 16, 1, ...NAMES, 2, 3, 0, 1]],
  ['that imports a function', [1, 4, 1, 0x60, 0, 0, 2, 14, 1, ...NAMES, 0, 0]],
  ['that imports nothing', [1, 4, 1, 0x60, 0, 0]],
])('a module %s is refused', (_, sections) => {
  const module = Uint8Array.from([...MODULE, ...sections]);
  expect(WebAssembly.validate(module)).toBe(true);
  expect(() => forSharedMemory(module)).toThrow(/maximum/);
});
