/**
 * Reader of NumPy's `.npz`, as JAX models are published: a zip archive with one `<name>.npy` per array.
 */
import { ViTError } from '../../error.ts';
import { type Checkpoint, elementCount, type StoredTensor } from '../checkpoint.ts';
import { decodeElements, ELEMENT_BYTES, requireReal } from '../elements.ts';
import { columnMajor, gather } from '../strided.ts';
import type { ZipMember } from '../zip.ts';
import { NPY_START_BYTES, npyHeaderBytes, parseNpyHeader } from './header.ts';

const SUFFIX = '.npy';

interface Stored extends StoredTensor {
  member: ZipMember;
  fortranOrder: boolean;
  /** Of the first element, in the member. */
  offset: number;
}

/** Whether these are the members of such a file. */
export function isNpz(members: ReadonlyMap<string, ZipMember>): boolean {
  return members.size > 0 && [...members.keys()].every((name) => name.endsWith(SUFFIX));
}

/** @throws ViTError `bad-input` naming the array for a broken file; `unsupported-model` for arrays of Python objects. */
export async function openNpz(members: ReadonlyMap<string, ZipMember>): Promise<Checkpoint> {
  const tensors = new Map<string, Stored>();
  for (const member of members.values()) {
    tensors.set(member.name.slice(0, -SUFFIX.length), await describe(member));
  }
  const find = (name: string) => {
    const stored = tensors.get(name);
    if (!stored) throw new ViTError('bad-input', `The npz file has no array ${name}.`);
    requireReal(name, stored.dtype);
    return stored;
  };
  const read = async (name: string) => {
    const { member, offset, bytes, dtype, shape, fortranOrder } = find(name);
    const values = decodeElements(await member.read(offset, bytes), dtype);
    return fortranOrder ? gather(values, { offset: 0, shape, strides: columnMajor(shape) }) : values;
  };
  return {
    format: 'NumPy npz',
    tensors,
    read,
    async readPart(name, first, count) {
      const { member, offset, dtype, fortranOrder } = find(name);
      if (fortranOrder) return (await read(name)).slice(first, first + count);
      const size = ELEMENT_BYTES[dtype];
      return decodeElements(await member.read(offset + first * size, count * size), dtype);
    },
  };
}

async function describe(member: ZipMember): Promise<Stored> {
  const start = await member.read(0, Math.min(NPY_START_BYTES, member.size));
  const headerBytes = npyHeaderBytes(start, member.name);
  if (headerBytes > member.size) throw broken(member, `its header has ${headerBytes} of ${member.size} bytes`);
  const header = parseNpyHeader(await member.read(0, headerBytes), member.name);
  const { dtype, shape, fortranOrder } = header;
  const bytes = elementCount(shape) * ELEMENT_BYTES[dtype];
  if (header.bytes + bytes !== member.size) {
    throw broken(
      member,
      `${dtype} (${shape}) takes ${bytes} bytes, but ${member.size - header.bytes} follow its header`,
    );
  }
  return { member, dtype, shape, fortranOrder, bytes, offset: header.bytes };
}

function broken({ name }: ZipMember, what: string): ViTError {
  return new ViTError('bad-input', `Not a readable NumPy array: ${name}: ${what}.`);
}
