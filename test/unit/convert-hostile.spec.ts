/**
 * Checkpoints that are broken or mean harm, through the command line: each ends in one clear sentence that names the
 * tensor, the member or the byte, and nothing is left in the place of the output.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { safetensorsFile } from '../harness/checkpoints.ts';
import { checkpointBytes, openBytes, pickleOf, tensorPickle, torchFile, zipFile } from '../harness/formats.ts';
import { runCommand } from '../harness/terminal.ts';

const scratch = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const FLAGS =
  '--architecture vit_tiny_patch4_8 --heads 2 --resize squash:8x8 --filter bilinear --mean .5,.5,.5 --std .5,.5,.5'.split(
    ' ',
  );

async function expectRefused(bytes: Uint8Array, message: string | RegExp, file = 'checkpoint'): Promise<void> {
  const folder = mkdtempSync(join(scratch, 'test-'));
  writeFileSync(join(folder, file), bytes);
  const started = performance.now();
  const { exitCode, warned } = await runCommand('convert', join(folder, file), '--out', join(folder, 'out'), ...FLAGS);
  expect(exitCode).toBe(1);
  if (typeof message === 'string') expect(warned).toContain(message);
  else expect(warned).toMatch(message);
  expect(warned).not.toContain('    at ');
  expect(readdirSync(folder)).toEqual([file]);
  expect(performance.now() - started).toBeLessThan(5000);
}

const entry = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });
const storage = { 0: new Uint8Array(16) };

describe('safetensors', () => {
  test('a truncated header', () =>
    expectRefused(
      checkpointBytes('vit.safetensors').slice(0, 100),
      /its header should have \d+ bytes, but the file has 100/,
    ));
  test('a truncated file', () =>
    expectRefused(checkpointBytes('vit.safetensors').slice(0, -1), /ends at byte 6060 of a file of 6059/));
  test('overlapping offsets', () =>
    expectRefused(
      safetensorsFile({ a: entry([2], 4, 12), b: entry([2], 0, 8) }, new Uint8Array(12)),
      /the data of b and a overlap at byte \d+/,
    ));
  test('a name that is there twice', async () => {
    const header = JSON.stringify({ a: entry([2], 0, 8), b: entry([2], 8, 16) }).replace('"b"', '"a"');
    await expectRefused(
      safetensorsFile(header, new Uint8Array(16)),
      /bytes \d+ to \d+ belong to no tensor, or to one whose/,
    );
  });
  test('bytes behind the last tensor', async () => {
    const bytes = checkpointBytes('vit.safetensors');
    await expectRefused(Uint8Array.from([...bytes, 0]), 'bytes 6060 to 6060 belong to no tensor');
  });
  test('a shape that is not that of its data', () =>
    expectRefused(safetensorsFile({ a: entry([3], 0, 16) }, new Uint8Array(16)), 'a: F32 [3] takes 12 bytes'));
  test('a shape that does not fit the model', async () => {
    const bytes = checkpointBytes('vit.safetensors');
    const text = new TextDecoder('latin1').decode(bytes);
    const altered = text.replace(
      '"head.bias": {"dtype": "F32", "shape": [3]',
      '"head.bias": {"dtype": "F32", "shape": [1, 3]',
    );
    expect(altered).not.toBe(text);
    // The header is three bytes longer, and so says its length.
    const file = Uint8Array.from(altered, (character) => character.charCodeAt(0));
    new DataView(file.buffer).setBigUint64(0, new DataView(bytes.buffer).getBigUint64(0, true) + 3n, true);
    await expectRefused(file, 'head.bias: [1,3]');
  });
});

describe('pickles', () => {
  const GLOBALS = [
    ['os', 'system'],
    ['builtins', 'eval'],
    ['builtins', 'getattr'],
    ['__builtin__', 'exec'],
    ['subprocess', 'Popen'],
    ['numpy.core.multiarray', '_reconstruct'],
    ['torch', 'load'],
    ['torch.hub', 'load'],
    ['torch.nn.modules.rnn', 'LSTM'],
    ['__torch__', 'Model'],
    ['torch._utils', 'constructor'],
    ['', '__proto__'],
  ];
  test.each(GLOBALS)('%s.%s is refused by its name', async (module, name) => {
    const pickle = pickleOf(0x80, 2, `c${module}\n${name}\n`, '(', 'U', 2, 'ls', 't', 'R', '.');
    await expectRefused(await torchFile(pickle), `archive/data.pkl holds ${module}.${name}, at byte`, 'evil.pt');
  });

  test('one that is mentioned and nothing else, by the opcode of later protocols', async () => {
    const pickle = pickleOf(0x80, 4, 0x8c, 5, 'posix', 0x8c, 6, 'system', 0x93, '.');
    await expectRefused(await torchFile(pickle), 'it holds no tensors');
  });

  test('a module that was saved as a whole', () =>
    expectRefused(
      checkpointBytes('whole-module.pt'),
      'holds torch.nn.modules.rnn.LSTM, at byte 2: that is Python code, which is not run here. Save the tensors alone, ' +
        "in Python: torch.save(model.state_dict(), 'weights.pt').",
    ));

  test('the format before zip', () =>
    expectRefused(
      checkpointBytes('legacy.pt'),
      /versions before 1\.6 wrote them; .* can be read\. In Python: torch\.save/,
    ));

  test.each([
    ['no opcode', pickleOf(0x80, 2, 0xff), '0xff is no opcode'],
    ['an end without a value', pickleOf(0x80, 2, '.'), 'a value is missing'],
    ['no end', pickleOf(0x80, 2, 'N'), '1 bytes should follow'],
    ['protocol 0', pickleOf('(lp0\n.'), 'is no opcode'],
    ['a text longer than the file', pickleOf(0x80, 2, 'X', 255, 255, 255, 127), '2147483647 bytes should follow'],
    ['a number of a gigabyte', pickleOf(0x80, 2, 0x8b, 0, 0, 0, 64), 'a number has 1073741824 bytes'],
    ['a memo that is not there', pickleOf(0x80, 2, 'h', 7, '.'), 'there is no memo 7'],
    ['a mark that is not there', pickleOf(0x80, 2, 'N', 't', '.'), 'a mark is missing'],
    ['a list within itself', pickleOf(0x80, 2, ']', 'q', 0, 'h', 0, 'a', '.'), 'nests more than 100 deep'],
    ['no tensors', pickleOf(0x80, 2, '}', '.'), 'it holds no tensors'],
    ['an int as a storage', pickleOf(0x80, 2, 'K', 1, 'Q', '.'), 'a persistent id is no storage'],
  ])('%s', async (_, pickle, message) => {
    await expectRefused(await torchFile(pickle), message);
  });

  test('a small tree that is endless when its shared parts are counted', async () => {
    // Twenty lists, each holding the one before it ten times.
    const level = (i: number) => ['0', ']', '(', ...Array.from({ length: 10 }, () => ['h', i]).flat(), 'e', 'q', i + 1];
    const levels = Array.from({ length: 20 }, (_, i) => level(i)).flat();
    await expectRefused(await torchFile(pickleOf(0x80, 2, ']', 'q', 0, ...levels, '.')), 'more than 2000000 values');
  });
});

describe("PyTorch's tensors", () => {
  test.each([
    ['past their storage', { shape: [5] }, 'w: [5] ends at element 5 of a storage of 4'],
    ['past it by strides', { shape: [2, 2], strides: [3, 1] }, 'w: [2,2] ends at element 5'],
    ['past it by offset', { offset: 1 }, 'ends at element 5'],
    ['with a negative offset', { offset: -1 }, 'no proper shape and strides'],
    ['with a negative stride', { strides: [-1] }, 'no proper shape and strides'],
    ['with fewer strides than axes', { shape: [2, 2], strides: [1] }, 'no proper shape and strides'],
    ['of a storage larger than its file', { length: 5 }, 'w: its storage has 5 f32, but archive/data/0 16 bytes'],
    ['that repeat four numbers a trillion times', { shape: [1e6, 1e6], strides: [0, 0] }, 'repeats the 4 elements'],
  ])('%s', async (_, tensor, message) => {
    await expectRefused(await torchFile(tensorPickle(tensor), storage), message);
  });

  test('without a storage', async () =>
    expectRefused(await torchFile(tensorPickle({})), 'w: its storage 0 is missing'));

  test('of a big-endian machine', async () => {
    const bytes = await zipFile({ 'a/data.pkl': tensorPickle({}), 'a/data/0': storage[0], 'a/byteorder': 'big' });
    await expectRefused(bytes, 'This PyTorch file is big-endian.');
  });
});

describe('zip archives', () => {
  /** Where a member's entry lies in the directory. */
  const directoryEntry = (bytes: Uint8Array, name: string) => Buffer.from(bytes).lastIndexOf(name) - 46;

  test('a bomb: a megabyte that claims to be four gigabytes', async () => {
    const zeros = new Uint8Array(2 ** 20);
    const bytes = await zipFile({ 'a.npy': zeros }, true);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint32(directoryEntry(bytes, 'a.npy') + 24, 0xfffffffe, true);
    view.setUint32(22, 0xfffffffe, true);
    await expectRefused(bytes, /a\.npy claims to inflate from \d+ to 4294967294 bytes, which cannot be/);
  });

  test('a bomb: many members that inflate well', async () => {
    const zeros = new Uint8Array(2 ** 20);
    const members = Object.fromEntries(Array.from({ length: 24 }, (_, i) => [`${i}.npy`, zeros]));
    await expectRefused(await zipFile(members, true), /it would inflate to 25165824 bytes/);
  });

  test('a member that inflates to more than the directory states', async () => {
    const bytes = await zipFile({ 'x/data.pkl': tensorPickle({}), 'x/data/0': new Uint8Array(1000) }, true);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint32(directoryEntry(bytes, 'x/data/0') + 24, 16, true);
    await expect(convertAll(bytes)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('x/data/0 '),
    });
  });

  test('a member whose bytes are not those of its CRC', async () => {
    const bytes = checkpointBytes('vit-training.pth');
    bytes[bytes.length >> 1] ^= 1;
    await expectRefused(bytes, /vit-training\/data\/\d+ cannot be read \(.*(CRC|signature).*\)/i, 'vit.pth');
  });

  test('members that share their bytes', async () => {
    const bytes = await zipFile({ 'a.npy': new Uint8Array(100), 'b.npy': new Uint8Array(100) });
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint32(directoryEntry(bytes, 'b.npy') + 42, 10, true);
    await expectRefused(bytes, 'a.npy and b.npy overlap at byte 10');
  });

  test('a truncated one', () =>
    expectRefused(checkpointBytes('views.pt').slice(0, 3000), 'its directory cannot be read'));
  test('one of something else', async () =>
    expectRefused(
      await zipFile({ 'word/document.xml': 'x' }),
      'neither of PyTorch nor of NumPy: it holds word/document.xml',
    ));
  test('an empty one', async () => expectRefused(await zipFile({}), 'it holds nothing'));
});

describe('NumPy arrays', () => {
  const npy = (header: string, data = new Uint8Array(8)) =>
    Buffer.concat([
      Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
      Buffer.from([header.length, 0]),
      Buffer.from(header),
      data,
    ]);

  test('of Python objects', () =>
    expectRefused(checkpointBytes('objects.npz'), 'names.npy holds Python objects, which are not run here'));
  test.each([
    ['too short', "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 'f32 (3) takes 12 bytes, but 8 follow'],
    ['of no size', "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 'its header is '],
    ['big-endian', "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", 'its elements are >f4'],
    [
      'of records',
      "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
      'its elements are of several types',
    ],
    ['huge', "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 'its shape is'],
  ])('%s', async (_, header, message) => {
    await expectRefused(await zipFile({ 'a.npy': npy(header) }), `a.npy: ${message}`);
  });
  test('that are none', async () =>
    expectRefused(await zipFile({ 'a.npy': 'hello' }), 'does not begin as a NumPy array'));
});

describe('models of another kind', () => {
  test.each(['resnet.pt', 'lstm.pt'])('%s', (file) =>
    expectRefused(checkpointBytes(file), /These tensor names are of no layout that this version reads \(.*\): \w+/),
  );
});

async function convertAll(bytes: Uint8Array): Promise<void> {
  const checkpoint = await openBytes(bytes);
  for (const name of checkpoint.tensors.keys()) await checkpoint.read(name);
}
