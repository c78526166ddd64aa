/**
 * Reader of the safetensors format: 8 bytes with the length of a JSON header, the header, the data.
 * Each header entry reads `"name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end] }`, offsets counted
 * from the end of the header.
 *
 * The whole header is checked before anything is read by it. A folder of several such files is read by `sharded.ts`.
 */
import { ViTError } from '../error.ts';
import type { Source } from './byte-source.ts';
import { type Checkpoint, elementCount, type StoredTensor } from './checkpoint.ts';
import { decodeElements, ELEMENT_BYTES, requireReal } from './elements.ts';

const LENGTH_BYTES = 8;

/** The format's own reader takes no more either; a real header has some hundred bytes per tensor. */
const LONGEST_HEADER = 100_000_000;

/** The format writes these names in capitals. */
const DTYPES = new Set('BOOL U8 I8 F8_E4M3 F8_E5M2 U16 I16 F16 BF16 U32 I32 F32 U64 I64 F64'.split(' '));

/** A tensor and where its bytes begin in the file. */
interface Entry extends StoredTensor {
  offset: number;
}

/** @throws ViTError `bad-input` naming the tensor and what is wrong, when this is not a whole safetensors file. */
export async function openSafetensors(source: Source): Promise<Checkpoint> {
  const entries = await readHeader(source);
  return {
    format: 'safetensors',
    tensors: entries,
    async read(name) {
      const entry = entries.get(name);
      if (!entry) throw broken(`there is no tensor ${name}`);
      requireReal(name, entry.dtype);
      return decodeElements(await source.read(entry.offset, entry.bytes), entry.dtype);
    },
  };
}

async function readHeader(source: Source): Promise<Map<string, Entry>> {
  if (source.size < LENGTH_BYTES) throw broken(`the file has ${source.size} bytes and ends within its first number`);
  const lengthBytes = await source.read(0, LENGTH_BYTES);
  const length = new DataView(lengthBytes.buffer).getBigUint64(0, true);
  if (length > BigInt(source.size - LENGTH_BYTES)) {
    throw broken(`its header should have ${length} bytes, but the file has ${source.size} in all`);
  }
  if (length > LONGEST_HEADER)
    throw broken(`its header has ${length} bytes; ${LONGEST_HEADER} is the most there can be`);
  const headerEnd = LENGTH_BYTES + Number(length);
  const header = parseJson(await source.read(LENGTH_BYTES, Number(length)));
  const entries = new Map<string, Entry>();
  for (const [name, value] of Object.entries(header)) {
    if (name !== '__metadata__') entries.set(name, checkEntry(name, value, headerEnd, source.size));
  }
  checkCover(entries, headerEnd, source.size);
  return entries;
}

function parseJson(bytes: Uint8Array): object {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw broken(`its header is not JSON (${(cause as Error).message})`, cause);
  }
  if (!isObject(header)) throw broken('its header is not a JSON object');
  return header;
}

function checkEntry(name: string, value: unknown, headerEnd: number, fileSize: number): Entry {
  if (!isObject(value)) throw broken(`${name}: its entry is not a JSON object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !DTYPES.has(dtype)) {
    throw broken(`${name}: unknown dtype ${JSON.stringify(dtype)}`);
  }
  if (!isListOfCounts(shape)) throw broken(`${name}: its shape is ${JSON.stringify(shape)}`);
  if (!isListOfCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw broken(`${name}: its data_offsets are ${JSON.stringify(offsets)}`);
  }
  const [begin, end] = offsets;
  if (headerEnd + end > fileSize) {
    throw broken(`${name} ends at byte ${headerEnd + end} of a file of ${fileSize}: it was not downloaded completely`);
  }
  const elementBytes = ELEMENT_BYTES[dtype.toLowerCase()];
  const bytes = elementCount(shape) * elementBytes;
  if (end - begin !== bytes) {
    throw broken(`${name}: ${dtype} [${shape}] takes ${bytes} bytes, but its data_offsets span ${end - begin}`);
  }
  return { dtype: dtype.toLowerCase(), shape, bytes, offset: headerEnd + begin };
}

/** Every byte behind the header belongs to one tensor. A name that is there twice leaves bytes to none. */
function checkCover(entries: Map<string, Entry>, headerEnd: number, fileSize: number): void {
  const filled = [...entries].filter(([, { bytes }]) => bytes > 0);
  let end = headerEnd;
  let before = '';
  for (const [name, { offset, bytes }] of filled.sort(([, a], [, b]) => a.offset - b.offset)) {
    if (offset < end) throw broken(`the data of ${before} and ${name} overlap at byte ${offset}`);
    if (offset > end) throw unclaimed(end, offset);
    end = offset + bytes;
    before = name;
  }
  if (end < fileSize) throw unclaimed(end, fileSize);
}

function unclaimed(begin: number, end: number): ViTError {
  return broken(`bytes ${begin} to ${end - 1} belong to no tensor, or to one whose name is there twice`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOfCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function broken(what: string, cause?: unknown): ViTError {
  return new ViTError('bad-input', `Not a readable safetensors file: ${what}.`, { cause });
}
