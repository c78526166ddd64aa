/**
 * What a conversion found out, and what it could not: every number of a model is either found, with its reason, or
 * asked for. All questions are put at once.
 */
import { type Question, ViTError } from '../error.ts';
import type { AnswerName } from './answers.ts';
import type { Fact } from './fact.ts';

/** Something that was decided, and why so: shown to the person who converts. */
export interface Finding {
  what: string;
  value: string;
  why: string;
}

/** A question by the name of its answer. */
export type Ask = Question & { name: AnswerName };

/** An error that an answer would help. @param why says what is wrong, as a sentence */
export function question(name: AnswerName, why: string, choices?: readonly string[]): ViTError {
  return new ViTError('unsupported-model', why, { questions: [{ name, why, ...(choices && { choices }) }] });
}

export class Decisions {
  readonly findings: Finding[] = [];
  readonly #questions: Ask[] = [];

  note(what: string, value: unknown, why: string): void {
    this.findings.push({ what, value: format(value), why });
  }

  ask(question: Ask): void {
    this.#questions.push(question);
  }

  /**
   * Takes the first candidate that is known; where none is, asks.
   * @returns `undefined` only after a question was asked, so never once `settle` returned.
   */
  choose<T>(what: string, candidates: (Fact<T> | undefined)[], question: Ask): T | undefined {
    const chosen = candidates.find((candidate) => candidate !== undefined);
    if (!chosen) {
      this.ask(question);
      return undefined;
    }
    this.note(what, chosen.value, chosen.why);
    return chosen.value;
  }

  /** @throws ViTError `unsupported-model` with all questions, when there are any. */
  settle(): void {
    const questions = this.#questions;
    if (questions.length === 0) return;
    const lines = questions.map(({ why }) => `\n  ${why}`);
    throw new ViTError('unsupported-model', `The checkpoint does not say everything:${lines.join('')}`, { questions });
  }
}

function format(value: unknown): string {
  if (value === null) return 'none';
  if (typeof value === 'number' && value !== 0 && value < 0.001) return value.toExponential();
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'object') return Object.values(value).join(' ');
  return String(value);
}
