/**
 * What a pickle holds once it is read: plain data, without any behaviour. Lists, tuples and sets are arrays, dicts are
 * maps, objects of a class that is known as plain data are `Plain`, a class or function itself is a `Global`, and what a
 * class or function that is not known would make is `Unknown`.
 */

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Value[]
  | Dict
  | Plain
  | Global
  // What a format makes of its own: a tensor, a storage.
  | Opaque;

export type Dict = Map<Value, Value>;

/** An object whose attributes are data. */
export class Plain {
  readonly className: string;
  readonly attributes: Dict = new Map();

  constructor(className: string) {
    this.className = className;
  }
}

/** Something of the reader of a format; the unpickler passes it on. */
export abstract class Opaque {
  abstract readonly kind: string;
}

/** What Python code would make: kept closed, and no reason to stop unless it is needed. */
export class Unknown extends Opaque {
  readonly kind = 'Python object';
  /** Of the class or function. */
  readonly name: string;
  /** Of the opcode that mentions it. */
  readonly position: number;

  constructor(name: string, position: number) {
    super();
    this.name = name;
    this.position = position;
  }
}

/** A name that the pickle may mention, and what the reader makes of it: always data, never a call of what it names. */
export class Global {
  readonly name: string;
  /** What calling it, or making an object of it, gives; absent where it is only mentioned. */
  readonly make?: (args: Value[]) => Value;

  constructor(name: string, make?: (args: Value[]) => Value) {
    this.name = name;
    this.make = make;
  }
}
