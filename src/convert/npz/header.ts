/**
 * The header of one NumPy array file (numpy/lib/format.py): six magic bytes, two of the version, the length of a text,
 * and that text, which is a Python dict: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
 */
import { ViTError } from '../../error.ts';
import { latin1 } from '../latin1.ts';

export interface NpyHeader {
  /** As in `elements.ts`. */
  dtype: string;
  shape: number[];
  fortranOrder: boolean;
  /** Of the header, up to the first element. */
  bytes: number;
}

/** The first bytes of a file, which say how long its header is. */
export const NPY_START_BYTES = 12;
/** NumPy's own readers take 10,000 of text. */
const LONGEST_HEADER = 65_536;

/** `|V2` is what NumPy makes of bfloat16, which it does not know. */
const DTYPES: Record<string, string> = {
  '<f8': 'f64',
  '<f4': 'f32',
  '<f2': 'f16',
  '|V2': 'bf16',
  '<V2': 'bf16',
  '<i8': 'i64',
  '<i4': 'i32',
  '<i2': 'i16',
  '|i1': 'i8',
  '<u8': 'u64',
  '<u4': 'u32',
  '<u2': 'u16',
  '|u1': 'u8',
  '|b1': 'bool',
  '<c8': 'c64',
  '<c16': 'c128',
};

const MAGIC = '\x93NUMPY';

/**
 * @param start the first bytes of the file
 * @returns bytes of the whole header
 * @throws ViTError `bad-input` naming the array
 */
export function npyHeaderBytes(start: Uint8Array<ArrayBuffer>, name: string): number {
  const view = new DataView(start.buffer);
  if (start.length < NPY_START_BYTES || latin1(start.subarray(0, MAGIC.length)) !== MAGIC) {
    throw broken(name, 'it does not begin as a NumPy array does');
  }
  const version = start[MAGIC.length];
  if (version < 1 || version > 3) throw broken(name, `its version is ${version}; 1 to 3 can be read`);
  const bytes = version === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  if (bytes > LONGEST_HEADER) throw broken(name, `its header has ${bytes} bytes; ${LONGEST_HEADER} is the most`);
  return bytes;
}

/**
 * @param header as many bytes as `npyHeaderBytes` says
 * @throws ViTError `bad-input` naming the array, `unsupported-model` for arrays of Python objects
 */
export function parseNpyHeader(header: Uint8Array<ArrayBuffer>, name: string): NpyHeader {
  const text = latin1(header.subarray(header[MAGIC.length] === 1 ? 10 : 12));
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (order === undefined || sizes === undefined) throw broken(name, `its header is ${JSON.stringify(text.trim())}`);
  if (descr === undefined || !Object.hasOwn(DTYPES, descr)) {
    if (descr?.startsWith('|O')) {
      throw new ViTError(
        'unsupported-model',
        `${name} holds Python objects, which are not run here. Save its arrays alone, with numpy.savez.`,
      );
    }
    throw broken(name, `its elements are ${descr === undefined ? 'of several types' : descr}`);
  }
  const shape = sizes
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map(Number);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) throw broken(name, `its shape is (${sizes})`);
  return { dtype: DTYPES[descr], shape, fortranOrder: order === 'True', bytes: header.length };
}

function broken(name: string, what: string): ViTError {
  return new ViTError('bad-input', `Not a readable NumPy array: ${name}: ${what}.`);
}
