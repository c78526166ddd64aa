/**
 * The one error of this library. Every failure is a `ViTError` whose code a program can switch on and whose
 * message names the thing at fault and what to do about it, in words for people.
 *
 * A leaf: every room may import it, it imports nothing.
 */
export type ErrorCode =
  | 'no-webgpu' // no adapter here, and the CPU was not allowed
  | 'bad-manifest' // model.json cannot be read, or does not describe a model
  | 'bad-shard' // a weight file whose size or hash is not the manifest's
  | 'network' // a request failed
  | 'bad-image' // not an image, or one that cannot be decoded
  | 'bad-input' // an argument of the wrong shape, type or range
  | 'unsupported-model' // a well-formed model of a kind this version cannot run
  | 'out-of-memory'
  | 'device-lost'
  | 'shader' // a shader was refused: a bug of ours or of the driver's
  | 'numeric' // NaN or infinity where there must be a number
  | 'aborted'
  | 'disposed';

/** What a person has to answer before a checkpoint can be converted. */
export interface Question {
  /** Of the option that answers it. */
  name: string;
  /** Why it is asked, as a sentence. */
  why: string;
  /** What the answer may be, where there are few possibilities. */
  choices?: readonly string[];
}

export class ViTError extends Error {
  readonly code: ErrorCode;
  /** Of an `unsupported-model` that answers would help. */
  readonly questions?: readonly Question[];

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; questions?: readonly Question[] }) {
    super(message, options);
    this.name = 'ViTError';
    this.code = code;
    if (options?.questions) this.questions = options.questions;
  }

  /** The worker, every annex and `index.js` bring a copy of this class each: what one throws is an instance for all. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return (value as ViTError | null)?.name === 'ViTError';
  }
}

/** Whatever was thrown, as the one error of this library: what nobody foresaw is likeliest to come of an argument. */
export function toViTError(error: unknown): ViTError {
  if (error instanceof ViTError) return error;
  const { name, message } = packError(error);
  const what = name === 'DataCloneError' ? 'An argument cannot be sent to the worker' : 'Nobody foresaw this';
  return new ViTError('bad-input', `${what}: ${name}: ${message}`, { cause: error });
}

/** Any value, for messages. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80));
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return Object(value) === value ? {}.toString.call(value).slice(8, -1) : String(value);
}

/** An error as plain data, which can cross between threads. */
export interface WireError {
  name: string;
  message: string;
  code?: ErrorCode;
  questions?: readonly Question[];
  stack?: string;
  cause?: WireError;
}

/** A port carries an error's message alone: code, questions and causes must cross too. */
export function packError(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack, cause } = error;
  // Only of ours: a DOMException has a code, too.
  const { code, questions } = error instanceof ViTError ? error : ({} as Partial<ViTError>);
  return { name, message, code, questions, stack, cause: cause === undefined ? cause : packError(cause) };
}

export function unpackError({ name, message, code, questions, stack, cause }: WireError): Error {
  const options = { cause: cause && unpackError(cause), questions };
  const error = code ? new ViTError(code, message, options) : new Error(message, options);
  return Object.assign(error, { name, stack });
}
