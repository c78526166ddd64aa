/**
 * Finds out a checkpoint's file format by its first bytes, and opens it. A new format is one more line here.
 */
import { ViTError } from '../error.ts';
import type { Source } from './byte-source.ts';
import type { Checkpoint } from './checkpoint.ts';
import { latin1 } from './latin1.ts';
import { isNpz, openNpz } from './npz/open-npz.ts';
import { openSafetensors } from './safetensors.ts';
import { type OpenBeside, openSharded } from './sharded.ts';
import { isTorchArchive, openTorch } from './torch/open-torch.ts';
import { openZip } from './zip.ts';

/** For people: what can be converted. */
export const FORMATS = 'safetensors, PyTorch (.pt, .pth, .bin), TorchScript and NumPy (.npz)';

const SAVE_AGAIN = "torch.save(torch.load('old.pt', map_location='cpu', weights_only=True), 'new.pt')";

const EXPORTED = 'Convert the checkpoint that it was made from.';
const UNPACK = 'Unpack it first.';
const NO_MODEL = 'Give the file with the weights.';

/** First bytes of what people try that is not read: a list of alternatives, or a test. */
const OTHER_FORMATS: { magic: number[] | ((start: Uint8Array) => boolean); title: string; wayOut: string }[] = [
  {
    magic: codes('version https://git-lfs'),
    title: 'a Git LFS pointer, which stands for a file that was not downloaded',
    wayOut: 'Run git lfs pull, or download the file by itself.',
  },
  {
    magic: (start) => /^(\xef\xbb\xbf)?\s*<(!doctype|!--|html|\?xml|head|body)/i.test(latin1(start)),
    title: 'a web page',
    wayOut: 'The address is that of a page about the file, or of an error: download the file itself.',
  },
  { magic: codes('GGUF'), title: 'GGUF', wayOut: EXPORTED },
  {
    // A protobuf: the version of the format, then who wrote it, or the graph.
    magic: ([field, version, next]) => field === 8 && version < 32 && [0x12, 0x1a, 0x3a, 0x42].includes(next),
    title: 'ONNX',
    wayOut: EXPORTED,
  },
  {
    // A map of a few names.
    magic: ([map, text]) => map > 0x80 && map < 0x90 && ((text >= 0xa1 && text < 0xc0) || text === 0xd9),
    title: 'MessagePack, as Flax writes it',
    wayOut:
      "In Python: numpy.savez('model.npz', **{'/'.join(k): v for k, v in flax.traverse_util.flatten_dict(params).items()}), " +
      'or load it in transformers with from_flax=True and save it again.',
  },
  { magic: (start) => latin1(start.subarray(4, 8)) === 'TFL3', title: 'TensorFlow Lite', wayOut: EXPORTED },
  {
    magic: (start) => latin1(start.subarray(257, 262)) === 'ustar',
    title: 'a tar archive',
    wayOut: UNPACK,
  },
  {
    // A pickled number, which older versions of PyTorch put before everything else.
    magic: [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46],
    title: 'a PyTorch file as versions before 1.6 wrote them',
    wayOut: `In Python: ${SAVE_AGAIN}.`,
  },
  { magic: [0x80], title: 'a bare Python pickle', wayOut: `In Python: ${SAVE_AGAIN}.` },
  {
    magic: [0x89, 0x48, 0x44, 0x46],
    title: 'HDF5, as Keras writes it',
    wayOut: "In Python: numpy.savez('model.npz', **{w.path: w.numpy() for w in model.weights}).",
  },
  {
    magic: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59],
    title: 'one NumPy array',
    wayOut: 'A model is an .npz of many arrays.',
  },
  { magic: [0x1f, 0x8b], title: 'compressed with gzip', wayOut: UNPACK },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], title: 'compressed with zstd', wayOut: UNPACK },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], title: 'compressed with xz', wayOut: UNPACK },
  { magic: (start) => /^BZh[1-9]/.test(latin1(start)), title: 'compressed with bzip2', wayOut: UNPACK },
  { magic: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], title: 'a 7z archive', wayOut: UNPACK },
  { magic: codes('Rar!'), title: 'a RAR archive', wayOut: UNPACK },
  { magic: codes('%PDF-'), title: 'a PDF', wayOut: NO_MODEL },
  {
    magic: (start) => /^(\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP)/s.test(latin1(start)),
    title: 'a picture',
    wayOut: NO_MODEL,
  },
];

const ZIP = [0x50, 0x4b];
const BRACE = 0x7b;

/**
 * @param beside opens other files of the same folder: for checkpoints in several files. Without it, those are refused.
 * @throws ViTError `unsupported-model` for a format this version does not read, `bad-input` for a broken file.
 */
export async function openCheckpoint(source: Source, beside?: OpenBeside): Promise<Checkpoint> {
  if (source.size === 0) {
    throw new ViTError('bad-input', 'This file is empty. Was it downloaded completely?');
  }
  const start = await source.read(0, Math.min(512, source.size));
  // A safetensors file may begin with any bytes, as the length of its header, but its JSON opens at the ninth. An index
  // begins with its brace; as a length, that would be 2^53 bytes or more with any text after it.
  if (start[8] === BRACE && start[0] !== BRACE) return openSafetensors(source);
  if (start[0] === BRACE && start.length >= 8 && !isLength(start, source.size)) {
    if (!beside) throw new ViTError('bad-input', 'A checkpoint in several files cannot be opened by its index alone.');
    return openSharded(source, beside, (part) => openCheckpoint(part));
  }
  if (beginsWith(start, ZIP)) return openArchive(source);
  const other = OTHER_FORMATS.find(({ magic }) =>
    typeof magic === 'function' ? magic(start) : beginsWith(start, magic),
  );
  if (other) {
    throw new ViTError('unsupported-model', `This is ${other.title}; ${FORMATS} can be read. ${other.wayOut}`);
  }
  if (!couldBeSafetensors(start, source.size)) {
    throw new ViTError('unsupported-model', `This is no checkpoint: ${beginning(start)}. ${FORMATS} can be read.`);
  }
  return openSafetensors(source);
}

/** A broken one is still called by its name. */
function couldBeSafetensors(start: Uint8Array<ArrayBuffer>, size: number): boolean {
  return start.length < 8 ? !isText(start) : isLength(start, size);
}

/** What a file without a known beginning begins with, as people would look at it. */
function beginning(start: Uint8Array): string {
  if (isText(start)) return `it is text, and begins "${latin1(start).trim().split(/\s+/).join(' ').slice(0, 40)}"`;
  const bytes = [...start.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `it begins with the bytes ${bytes.join(' ')}, which are those of no format that this version knows`;
}

function isText(bytes: Uint8Array): boolean {
  return /^[\t\n\r\x20-\x7e]+$/.test(latin1(bytes));
}

async function openArchive(source: Source): Promise<Checkpoint> {
  const members = await openZip(source);
  if (isTorchArchive(members)) return openTorch(members);
  if (isNpz(members)) return openNpz(members);
  const names = [...members.keys()].slice(0, 4).join(', ');
  throw new ViTError(
    'unsupported-model',
    `This zip archive is neither of PyTorch nor of NumPy: it holds ${names || 'nothing'}. ${FORMATS} can be read.`,
  );
}

/** Whether the first eight bytes can be the length of a safetensors header. */
function isLength(start: Uint8Array<ArrayBuffer>, size: number): boolean {
  return new DataView(start.buffer).getBigUint64(0, true) <= BigInt(size - 8);
}

function codes(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}

function beginsWith(bytes: Uint8Array, magic: number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}
