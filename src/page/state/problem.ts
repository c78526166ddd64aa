/**
 * What went wrong, in no language yet: it becomes words where it is shown.
 */
import { type ErrorCode, ViTError } from '../../index.ts';
import type { Text } from '../text/en.ts';

export interface Sentence {
  /** A few words. */
  title: string;
  /** What happened and what to do. */
  sentence: string;
}

export type Problem = (text: Text) => Sentence;

/** A photo that got no answer. */
export function photoProblem(error: unknown, name: string, photo: Blob): Problem {
  const code = codeOf(error);
  if (code === 'bad-image') {
    if (photo.size === 0) return ({ problems }) => problems.emptyFile(name);
    const kind = foreignKind(name, photo.type);
    return ({ problems }) => (kind ? problems.foreignKind(name, kind) : problems.unreadable(name));
  }
  if (code === 'out-of-memory') return ({ problems }) => problems.tooLarge(name);
  return ({ problems }) => problems.noAnswer(name, describe(error));
}

/** Kinds of pictures that most browsers do not open. */
function foreignKind(name: string, type: string): string | null {
  const kind = /(?:image\/|\.)(hei[cf]|tiff?)$/i.exec(type || name)?.[1].toLowerCase();
  if (kind) return kind.startsWith('h') ? 'HEIC' : 'TIFF';
  return null;
}

export function modelProblem(error: unknown): Problem {
  const code = (error instanceof ViTError && error.questions && 'questions') || (codeOf(error) ?? 'other');
  return ({ modelProblems }) => modelProblems[code] ?? modelProblems.other;
}

/** Errors after which the engine answers no more, and must be loaded again. */
export function isFatal(error: unknown): boolean {
  // Photos are handed over as bytes, so a network error can only be the worker's.
  return ['device-lost', 'disposed', 'network'].includes(codeOf(error) ?? '');
}

export function describe(error: unknown): string {
  return error instanceof ViTError ? `${error.code}: ${error.message}` : String(error);
}

function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof ViTError ? error.code : undefined;
}
