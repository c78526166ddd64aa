/**
 * The directory of a zip archive, which lies at its end (APPNOTE 6.3.10, sections 4.3.12 to 4.3.16): what members there are and
 * where. Archives and members of any size (zip64); none in several parts.
 */
import { ViTError } from '../error.ts';
import type { Source } from './byte-source.ts';

export interface ZipEntry {
  name: string;
  /** 0: stored, 8: deflated. */
  method: number;
  encrypted: boolean;
  crc: number;
  /** Bytes in the archive, and after inflating. */
  compressedSize: number;
  size: number;
  /** Of its local header. */
  offset: number;
}

const END = { signature: 0x06054b50, bytes: 22, longestComment: 0xffff };
const LOCATOR_64 = { signature: 0x07064b50, bytes: 20 };
const END_64 = { signature: 0x06064b50, bytes: 56 };
const ENTRY = { signature: 0x02014b50, bytes: 46 };

/** A checkpoint has some thousand members. */
const MOST_MEMBERS = 200_000;
const LONGEST_DIRECTORY = 64 * 2 ** 20;

/** In place of a number that stands elsewhere, in 64 bits. */
const ELSEWHERE = 0xffffffff;

/** @throws ViTError `bad-input` */
export async function readDirectory(source: Source): Promise<ZipEntry[]> {
  const { count, size, offset } = await findDirectory(source);
  if (count > MOST_MEMBERS) throw broken(`it has more than ${MOST_MEMBERS} members`);
  if (size > LONGEST_DIRECTORY || offset + size > source.size) throw unreadable('it is not where the archive ends');
  const view = new DataView((await source.read(offset, size)).buffer);
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count; ) {
    if (at + ENTRY.bytes > size || view.getUint32(at, true) !== ENTRY.signature) {
      throw unreadable(`member ${entries.length + 1} of ${count} is missing`);
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const nameAt = at + ENTRY.bytes;
    const next = nameAt + nameBytes + extraBytes + commentBytes;
    if (next > size) throw unreadable(`member ${entries.length + 1} of ${count} is cut short`);
    const [longSize, longCompressed, longOffset] = longNumbers(view, at, nameAt + nameBytes, extraBytes);
    entries.push({
      name: new TextDecoder().decode(new Uint8Array(view.buffer, nameAt, nameBytes)),
      encrypted: (view.getUint16(at + 8, true) & 1) === 1,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      compressedSize: longCompressed,
      size: longSize,
      offset: longOffset,
    });
    at = next;
  }
  return entries.filter(({ name }) => !name.endsWith('/'));
}

/** An archive may end in a comment. */
async function findDirectory(source: Source): Promise<{ count: number; size: number; offset: number }> {
  const length = Math.min(source.size, END.bytes + END.longestComment + LOCATOR_64.bytes);
  const begin = source.size - length;
  const view = new DataView((await source.read(begin, length)).buffer);
  let at = length - END.bytes;
  const isEnd = () =>
    view.getUint32(at, true) === END.signature && at + END.bytes + view.getUint16(at + 20, true) === length;
  while (at >= 0 && !isEnd()) at--;
  if (at < 0) throw unreadable('the archive has no end');
  const before = at - LOCATOR_64.bytes;
  if (before < 0 || view.getUint32(before, true) !== LOCATOR_64.signature) {
    return {
      count: view.getUint16(at + 10, true),
      size: view.getUint32(at + 12, true),
      offset: view.getUint32(at + 16, true),
    };
  }
  const place = long(view, before + 8);
  if (place + END_64.bytes > source.size) throw unreadable('its end lies behind the archive');
  const end = new DataView((await source.read(place, END_64.bytes)).buffer);
  if (end.getUint32(0, true) !== END_64.signature) throw unreadable('the archive has no end of 64 bits');
  return { count: long(end, 32), size: long(end, 40), offset: long(end, 48) };
}

/** Size, compressed size and offset of an entry: those that do not fit into 32 bits stand in an extra field, in this order. */
function longNumbers(view: DataView, entry: number, extra: number, extraBytes: number): [number, number, number] {
  const short = [24, 20, 42].map((field) => view.getUint32(entry + field, true));
  let field = extra;
  let end = extra;
  for (let at = extra; at + 4 <= extra + extraBytes; ) {
    const next = at + 4 + view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1 && next <= extra + extraBytes) [field, end] = [at + 4, next];
    at = next;
  }
  return short.map((value) => {
    if (value !== ELSEWHERE || field + 8 > end) return value;
    field += 8;
    return long(view, field - 8);
  }) as [number, number, number];
}

/** Beyond 2^53 no archive goes, nor does a number. */
function long(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function unreadable(why: string): ViTError {
  return broken(`its directory cannot be read (${why})`);
}

export function broken(what: string, cause?: unknown): ViTError {
  return new ViTError('bad-input', `Not a readable zip archive: ${what}. Was it downloaded completely?`, { cause });
}
