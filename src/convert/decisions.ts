/**
 * What a conversion found out, and what it could not: every number of a model is either found, with its reason, or
 * asked for. All questions are put at once.
 */
import { ViTError } from '../error.ts';

/** Something that was decided, and why so: shown to the person who converts. */
export interface Finding {
  what: string;
  value: string;
  why: string;
}

/** A value together with where it comes from. */
export interface Fact<T> {
  value: T;
  why: string;
}

/** `undefined` stays `undefined`: a fact that is not known. */
export function fact<T>(value: T | undefined, why: string): Fact<T> | undefined {
  return value === undefined ? undefined : { value, why };
}

export class Decisions {
  readonly findings: Finding[] = [];
  readonly #questions: string[] = [];

  note(what: string, value: unknown, why: string): void {
    this.findings.push({ what, value: format(value), why });
  }

  ask(question: string): void {
    this.#questions.push(question);
  }

  /**
   * Takes the first candidate that is known; where none is, asks.
   * @returns `undefined` only after a question was asked, so never once `settle` returned.
   */
  choose<T>(what: string, candidates: (Fact<T> | undefined)[], question: string): T | undefined {
    const chosen = candidates.find((candidate) => candidate !== undefined);
    if (!chosen) {
      this.ask(question);
      return undefined;
    }
    this.note(what, chosen.value, chosen.why);
    return chosen.value;
  }

  /** @throws ViTError `bad-input` with all questions, when there are any. */
  settle(): void {
    if (this.#questions.length === 0) return;
    const lines = this.#questions.map((question) => `\n  ${question}`);
    throw new ViTError('bad-input', `The checkpoint does not tell everything:${lines.join('')}`);
  }
}

function format(value: unknown): string {
  if (value === null) return 'none';
  if (typeof value === 'number' && value < 0.001) return value.toExponential();
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'object') return Object.values(value).join(' ');
  return String(value);
}
