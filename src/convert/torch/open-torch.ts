/**
 * Reader of PyTorch's zip files: what `torch.save` writes (`.pt`, `.pth`, `.bin`), and the tensors of TorchScript
 * archives, as OpenAI's CLIP is distributed. Both are a pickle, `<root>/data.pkl`, and one file of raw elements per
 * storage, `<root>/data/<key>`.
 *
 * The pickle is read as data; nothing in the file is run, TorchScript's `code/` is not even looked at.
 */
import { ViTError } from '../../error.ts';
import { type Checkpoint, elementCount, type StoredTensor } from '../checkpoint.ts';
import { decodeElements, ELEMENT_BYTES, requireReal } from '../elements.ts';
import { unpickle } from '../pickle/unpickle.ts';
import type { Value } from '../pickle/values.ts';
import { gather, spanOf } from '../strided.ts';
import type { ZipMember } from '../zip.ts';
import { flatten } from './flatten.ts';
import { storageOf, TorchStorage, TorchTensor, torchGlobal } from './globals.ts';

const PICKLE = /^(?<root>(?:.*\/)?)data\.pkl$/;

/** Some hundred bytes per tensor, optimizer and all. */
const LONGEST_PICKLE = 64 * 2 ** 20;

/** Elements of a view that repeats its storage's: more would take memory that the file does not. */
const MOST_REPEATED = 2 ** 24;

interface Stored extends StoredTensor {
  tensor: TorchTensor;
  member: ZipMember;
}

/** Whether these are the members of such a file. */
export function isTorchArchive(members: ReadonlyMap<string, ZipMember>): boolean {
  return [...members.keys()].some((name) => PICKLE.test(name));
}

/**
 * @throws ViTError `bad-input` naming the tensor or the byte for a broken file; `unsupported-model` naming the class or
 *   function where Python code makes a tensor, or holds all there are.
 */
export async function openTorch(members: ReadonlyMap<string, ZipMember>): Promise<Checkpoint> {
  const pickles = [...members.keys()].filter((name) => PICKLE.test(name));
  if (pickles.length !== 1) throw broken(`it has ${pickles.length} members called data.pkl`);
  const where = pickles[0];
  const root = PICKLE.exec(where)!.groups!.root;
  await refuseBigEndian(members.get(`${root}byteorder`));
  const isTorchScript = members.has(`${root}constants.pkl`);
  const pickle = members.get(where)!;
  if (pickle.size > LONGEST_PICKLE) throw broken(`${where} has ${pickle.size} bytes; ${LONGEST_PICKLE} is the most`);
  const meaning = {
    global: (module: string, name: string) => torchGlobal(module, name, isTorchScript),
    persistent: storageOf,
    isNeeded: (value: Value) => value instanceof TorchStorage || value instanceof TorchTensor,
  };
  const tensors = new Map<string, Stored>();
  for (const [name, tensor] of flatten(unpickle(await pickle.read(0, pickle.size), meaning, where), where)) {
    tensors.set(name, describe(name, tensor, members.get(`${root}data/${tensor.storage.key}`)));
  }
  return {
    format: isTorchScript ? 'TorchScript' : 'PyTorch',
    tensors,
    async read(name) {
      const stored = tensors.get(name);
      if (!stored) throw broken(`there is no tensor ${name}`);
      requireReal(name, stored.dtype);
      const { view } = stored.tensor;
      const elementBytes = ELEMENT_BYTES[stored.dtype];
      const span = await stored.member.read(view.offset * elementBytes, spanOf(view) * elementBytes);
      return gather(decodeElements(span, stored.dtype), view);
    },
  };
}

/** Checks that the tensor lies within its storage, and that within its file. */
function describe(name: string, tensor: TorchTensor, member: ZipMember | undefined): Stored {
  const { storage, view } = tensor;
  if (!member) throw broken(`${name}: its storage ${storage.key} is missing`);
  const needed = storage.length * ELEMENT_BYTES[storage.dtype];
  if (member.size < needed) {
    throw broken(
      `${name}: its storage has ${storage.length} ${storage.dtype}, but ${member.name} ${member.size} bytes`,
    );
  }
  const count = elementCount(view.shape);
  const end = view.offset + spanOf(view);
  // A view without elements may begin anywhere.
  if (count > 0 && !(end <= storage.length)) {
    throw broken(`${name}: [${view.shape}] ends at element ${end} of a storage of ${storage.length}`);
  }
  if (count > Math.max(storage.length, MOST_REPEATED)) {
    throw broken(
      `${name}: [${view.shape}] repeats the ${storage.length} elements of its storage ${count} times in all`,
    );
  }
  return {
    shape: view.shape,
    dtype: storage.dtype,
    bytes: count * ELEMENT_BYTES[storage.dtype],
    tensor: count > 0 ? tensor : { ...tensor, view: { ...view, offset: 0 } },
    member,
  };
}

/** Newer files say so; older ones are little-endian on every machine that people have. */
async function refuseBigEndian(byteOrder: ZipMember | undefined): Promise<void> {
  if (!byteOrder || byteOrder.size > 16) return;
  const order = new TextDecoder().decode(await byteOrder.read(0, byteOrder.size));
  if (order !== 'little') throw new ViTError('unsupported-model', `This PyTorch file is ${order}-endian.`);
}

function broken(what: string): ViTError {
  return new ViTError('bad-input', `Not a readable PyTorch file: ${what}.`);
}
