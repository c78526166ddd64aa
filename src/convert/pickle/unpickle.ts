/**
 * Reads Python pickles, protocols 2 to 5, as data (the opcodes are described in Python's Lib/pickletools.py). It is
 * restricted: every class or function that a pickle mentions is looked up in a table that the caller gives, and what one
 * that is not there would make is kept closed. Nothing is imported, called or executed. Protocols 0 and 1, buffers out of band and
 * the extension registry are not read: nothing that saves tensors writes them.
 */
import { ViTError } from '../../error.ts';
import { PickleBytes } from './bytes.ts';
import { type Dict, Global, Plain, Unknown, type Value } from './values.ts';

export interface Meaning {
  /** @returns what a global stands for; `undefined` when it is not known. */
  global(module: string, name: string): Global | undefined;
  /** What a persistent id stands for: in PyTorch's files, a storage. */
  persistent(id: Value): Value;
  /** Whether this must not be part of an object that is not known: a tensor would be lost. */
  isNeeded(value: Value): boolean;
}

/** Opcodes in a real training checkpoint with its optimizer: some hundred thousand. */
const MOST_OPCODES = 5_000_000;
const DEEPEST_STACK = 1_000_000;

/** Where a list, dict or tuple that is being built begins on the stack. */
const MARK = Symbol('mark');

type Slot = Value | typeof MARK;

/**
 * @param where names the pickle in messages: `archive/data.pkl`
 * @throws ViTError `bad-input` naming the byte, for what is no pickle; `unsupported-model` naming the global, for
 *   something needed that is made by what is not known.
 */
export function unpickle(bytes: Uint8Array<ArrayBuffer>, meaning: Meaning, where: string): Value {
  return new Unpickler(new PickleBytes(bytes, where), meaning).run();
}

class Unpickler {
  readonly #bytes: PickleBytes;
  readonly #meaning: Meaning;
  readonly #stack: Slot[] = [];
  readonly #memo = new Map<number, Value>();

  constructor(bytes: PickleBytes, meaning: Meaning) {
    this.#bytes = bytes;
    this.#meaning = meaning;
  }

  run(): Value {
    for (let count = 0; count < MOST_OPCODES; count++) {
      const opcode = this.#bytes.opcode();
      if (opcode === STOP) {
        const result = this.#pop();
        if (this.#stack.length > 0) throw this.#bytes.broken(`${this.#stack.length} values are left over at the end`);
        return result;
      }
      this.#step(opcode);
      if (this.#stack.length > DEEPEST_STACK) throw this.#bytes.broken(`more than ${DEEPEST_STACK} values are open`);
    }
    throw this.#bytes.broken(`it has more than ${MOST_OPCODES} opcodes`);
  }

  #step(opcode: number): void {
    const value = this.#value(opcode);
    if (value === undefined) this.#act(opcode);
    else this.#stack.push(value);
  }

  /** What an opcode puts on the stack; `undefined` for those that do something else. */
  #value(opcode: number): Value | undefined {
    const bytes = this.#bytes;
    switch (opcode) {
      case 0x4e: // NONE
        return null;
      case 0x88: // NEWTRUE
        return true;
      case 0x89: // NEWFALSE
        return false;
      case 0x4b: // BININT1
        return bytes.u8();
      case 0x4d: // BININT2
        return bytes.u16();
      case 0x4a: // BININT
        return bytes.i32();
      case 0x8a: // LONG1
        return bytes.long(bytes.u8());
      case 0x8b: // LONG4
        return bytes.long(bytes.i32());
      case 0x47: // BINFLOAT
        return bytes.f64();

      case 0x8c: // SHORT_BINUNICODE
        return bytes.text(bytes.u8());
      case 0x58: // BINUNICODE
        return bytes.text(bytes.u32());
      case 0x8d: // BINUNICODE8
        return bytes.text(bytes.u64());
      case 0x55: // SHORT_BINSTRING
      case 0x43: // SHORT_BINBYTES
        return bytes.latin1(bytes.u8());
      case 0x54: // BINSTRING
      case 0x42: // BINBYTES
        return bytes.latin1(bytes.u32());
      case 0x8e: // BINBYTES8
        return bytes.latin1(bytes.u64());

      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
      case 0x8f: // EMPTY_SET
        return [];
      case 0x6c: // LIST
      case 0x74: // TUPLE
      case 0x91: // FROZENSET
        return this.#popToMark();
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#popMany(opcode - 0x84);
      case 0x7d: // EMPTY_DICT
        return new Map();
      case 0x64: // DICT
        return this.#setItems(new Map(), this.#popToMark());

      case 0x32: // DUP
        return this.#top();
      case 0x68: // BINGET
        return this.#recall(bytes.u8());
      case 0x6a: // LONG_BINGET
        return this.#recall(bytes.u32());

      case 0x63: // GLOBAL
        return this.#global(bytes.line(), bytes.line());
      case 0x93: // STACK_GLOBAL
        return this.#globalOf(this.#popMany(2));
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        return this.#make();
      case 0x92: // NEWOBJ_EX: with arguments by name, which nothing here takes
        this.#pop();
        return this.#make();
      case 0x51: // BINPERSID
        return this.#meaning.persistent(this.#pop());
    }
    return undefined;
  }

  #act(opcode: number): void {
    const bytes = this.#bytes;
    switch (opcode) {
      case 0x80: // PROTO
        bytes.protocol();
        break;
      case 0x95: // FRAME: only a hint for reading ahead
        bytes.u64();
        break;

      case 0x28: // MARK
        this.#stack.push(MARK);
        break;
      case 0x30: // POP
        if (this.#stack.length === 0) throw bytes.broken('there is nothing to pop');
        this.#stack.pop();
        break;
      case 0x31: // POP_MARK
        this.#popToMark();
        break;

      case 0x61: // APPEND
        this.#append([this.#pop()]);
        break;
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        this.#append(this.#popToMark());
        break;
      case 0x73: // SETITEM
        this.#setItemsOfTop(this.#popMany(2));
        break;
      case 0x75: // SETITEMS
        this.#setItemsOfTop(this.#popToMark());
        break;
      case 0x62: // BUILD
        this.#build();
        break;

      case 0x71: // BINPUT
        this.#remember(bytes.u8());
        break;
      case 0x72: // LONG_BINPUT
        this.#remember(bytes.u32());
        break;
      case 0x94: // MEMOIZE
        this.#remember(this.#memo.size);
        break;

      default:
        throw bytes.broken(`0x${opcode.toString(16).padStart(2, '0')} is no opcode that saved tensors have`);
    }
  }

  #globalOf([module, name]: Value[]): Global {
    if (typeof module !== 'string' || typeof name !== 'string') throw this.#bytes.broken('a global has no name');
    return this.#global(module, name);
  }

  #global(module: string, name: string): Global {
    const global = this.#meaning.global(module, name);
    if (global) return global;
    const unknown = new Unknown(`${module}.${name}`, this.#bytes.position);
    return new Global(unknown.name, (args) => {
      if (holds(args, (value) => this.#meaning.isNeeded(value))) throw pythonCode(unknown, this.#bytes.where);
      return unknown;
    });
  }

  /** A class or function with its arguments: the table says what data that is. */
  #make(): Value {
    const [what, args] = this.#popMany(2);
    if (what instanceof Unknown) return what;
    if (!(what instanceof Global) || !what.make) throw this.#bytes.broken(`${nameOf(what)} cannot be made`);
    if (!Array.isArray(args)) throw this.#bytes.broken(`the arguments of ${what.name} are no tuple`);
    return what.make(args);
  }

  /** Attributes of an object. Those of a dict, such as the versions in PyTorch's `_metadata`, are no entries of it. */
  #build(): void {
    const state = this.#pop();
    const target = this.#top();
    if (target instanceof Map || target instanceof Unknown) return;
    if (!(target instanceof Plain) || !(state instanceof Map)) {
      throw this.#bytes.broken(`${nameOf(target)} can have no attributes`);
    }
    for (const [name, value] of state) target.attributes.set(name, value);
  }

  #append(values: Value[]): void {
    const list = this.#top();
    if (list instanceof Unknown) return;
    if (!Array.isArray(list)) throw this.#bytes.broken('something is appended to what is no list');
    for (const value of values) list.push(value);
  }

  #setItemsOfTop(items: Value[]): void {
    const dict = this.#top();
    if (dict instanceof Unknown) return;
    if (!(dict instanceof Map)) throw this.#bytes.broken('a key is set in what is no dict');
    this.#setItems(dict, items);
  }

  #setItems(dict: Dict, items: Value[]): Dict {
    if (items.length % 2 !== 0) throw this.#bytes.broken('a key has no value');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
    return dict;
  }

  #remember(index: number): void {
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): Value {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.#bytes.broken(`there is no memo ${index}`);
    return value;
  }

  #top(): Value {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw this.#bytes.broken('a value is missing');
    return value;
  }

  #pop(): Value {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  /** In the order in which they were pushed. */
  #popMany(count: number): Value[] {
    const values: Value[] = [];
    for (let i = 0; i < count; i++) values.push(this.#pop());
    return values.reverse();
  }

  #popToMark(): Value[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw this.#bytes.broken('a mark is missing');
    const values = this.#stack.splice(mark).slice(1);
    return values as Value[];
  }
}

const STOP = 0x2e;

/** A tensor's parts lie no deeper among the arguments that make it. */
function holds(values: readonly Value[], is: (value: Value) => boolean, depth = 3): boolean {
  return values.some((value) => is(value) || (depth > 0 && Array.isArray(value) && holds(value, is, depth - 1)));
}

export function pythonCode({ name, position }: Unknown, where: string): ViTError {
  return new ViTError(
    'unsupported-model',
    `${where} holds ${name}, at byte ${position}: that is Python code, which is not run here. Save the tensors alone, in ` +
      "Python: torch.save(model.state_dict(), 'weights.pt').",
  );
}

function nameOf(value: Value): string {
  if (value instanceof Global) return value.name;
  if (value instanceof Plain) return value.className;
  return value === null ? 'None' : `a value (${typeof value})`;
}
