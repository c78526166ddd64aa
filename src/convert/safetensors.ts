/**
 * Reader of the safetensors format: 8 bytes with the length of a JSON header, the header, the data.
 * Each header entry reads `"name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end] }`, offsets counted
 * from the end of the header.
 *
 * The whole header is checked before anything is read by it. A folder of several such files is not read here.
 */
import { ViTError } from '../error.ts';
import { decodeHalfs } from '../weights/half.ts';
import { type Checkpoint, elementCount, type StoredTensor } from './checkpoint.ts';
import { decodeBf16 } from './numbers.ts';
import type { Source } from './source.ts';

const LENGTH_BYTES = 8;

const BYTES_PER_ELEMENT: Record<string, number> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

type Decoder = (buffer: ArrayBuffer) => Float32Array<ArrayBuffer>;

/** Little-endian, as the machines that run JavaScript are. */
const DECODERS: Record<string, Decoder> = {
  f64: (buffer) => Float32Array.from(new Float64Array(buffer)),
  f32: (buffer) => new Float32Array(buffer),
  f16: (buffer) => decodeHalfs(new Uint16Array(buffer)),
  bf16: (buffer) => decodeBf16(new Uint16Array(buffer)),
};

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
      const decode = DECODERS[entry.dtype];
      if (!decode) {
        throw new ViTError('bad-input', `${name} is stored as ${entry.dtype}; f64, f32, f16 and bf16 can be read.`);
      }
      const { buffer } = await source.read(entry.offset, entry.bytes);
      return decode(buffer);
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
  const headerEnd = LENGTH_BYTES + Number(length);
  const header = parseJson(await source.read(LENGTH_BYTES, Number(length)));
  const entries = new Map<string, Entry>();
  for (const [name, value] of Object.entries(header)) {
    if (name !== '__metadata__') entries.set(name, checkEntry(name, value, headerEnd, source.size));
  }
  refuseOverlaps(entries);
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
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES_PER_ELEMENT, dtype)) {
    throw broken(`${name}: unknown dtype ${JSON.stringify(dtype)}`);
  }
  if (!isListOfCounts(shape)) throw broken(`${name}: its shape is ${JSON.stringify(shape)}`);
  if (!isListOfCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw broken(`${name}: its data_offsets are ${JSON.stringify(offsets)}`);
  }
  const [begin, end] = offsets;
  if (headerEnd + end > fileSize) {
    throw broken(`${name} ends at byte ${headerEnd + end} of a file of ${fileSize}; was it downloaded completely?`);
  }
  const elementBytes = BYTES_PER_ELEMENT[dtype];
  if (begin % elementBytes !== 0) {
    throw broken(`${name} begins at byte ${begin} of the data, which is misaligned for ${dtype}`);
  }
  const bytes = elementCount(shape) * elementBytes;
  if (end - begin !== bytes) {
    throw broken(`${name}: ${dtype} [${shape}] takes ${bytes} bytes, but its data_offsets span ${end - begin}`);
  }
  return { dtype: dtype.toLowerCase(), shape, bytes, offset: headerEnd + begin };
}

function refuseOverlaps(entries: Map<string, Entry>): void {
  const filled = [...entries].filter(([, entry]) => entry.bytes > 0);
  const inOrder = filled.sort(([, a], [, b]) => a.offset - b.offset);
  for (let i = 1; i < inOrder.length; i++) {
    const [before, { offset, bytes }] = inOrder[i - 1];
    const [name, entry] = inOrder[i];
    if (entry.offset < offset + bytes) throw broken(`the data of ${before} and ${name} overlap`);
  }
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
