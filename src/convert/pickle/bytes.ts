/**
 * The bytes of a pickle, read from front to back: numbers and texts in the ways its opcodes store them. Every error
 * names the byte.
 */
import { ViTError } from '../../error.ts';
import { latin1 } from '../latin1.ts';

/** Numbers of more bytes are no sizes, counts or seeds. */
const LONGEST_LONG = 1024;

export class PickleBytes {
  /** Names the pickle in messages. */
  readonly where: string;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #next = 0;
  #opcodeAt = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>, where: string) {
    this.where = where;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Byte of the opcode that was read last. */
  get position(): number {
    return this.#opcodeAt;
  }

  broken(what: string): ViTError {
    return new ViTError('bad-input', `Not a readable pickle: ${this.where}, byte ${this.#opcodeAt}: ${what}.`);
  }

  opcode(): number {
    this.#opcodeAt = this.#next;
    return this.u8();
  }

  protocol(): void {
    const protocol = this.u8();
    if (protocol < 2 || protocol > 5) throw this.broken(`its protocol is ${protocol}; 2 to 5 can be read`);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  /** More than the file can have where it is too large for a number. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  /** Big-endian, alone of all. */
  f64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** Two's complement, little-endian. */
  long(length: number): number | bigint {
    if (length < 0 || length > LONGEST_LONG) throw this.broken(`a number has ${length} bytes`);
    const begin = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[begin + i]);
    value = BigInt.asIntN(8 * length, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  text(length: number): string {
    const begin = this.#take(length);
    try {
      return UTF8.decode(this.#bytes.subarray(begin, begin + length));
    } catch {
      throw this.broken('a text is not UTF-8');
    }
  }

  /** Bytes, one character each. */
  latin1(length: number): string {
    const begin = this.#take(length);
    return latin1(this.#bytes.subarray(begin, begin + length));
  }

  /** Up to the end of the line, which is left out. */
  line(): string {
    const end = this.#bytes.indexOf(NEWLINE, this.#next);
    if (end < 0) throw this.broken('a name does not end');
    const text = this.text(end - this.#next);
    this.#next++;
    return text;
  }

  /** @returns where the bytes begin. */
  #take(length: number): number {
    const begin = this.#next;
    if (length > this.#bytes.length - begin) {
      throw this.broken(`${length} bytes should follow, but it has ${this.#bytes.length} in all`);
    }
    this.#next += length;
    return begin;
  }
}

const NEWLINE = 0x0a;
/** `ignoreBOM`: a text is what it is. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
