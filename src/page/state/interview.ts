/**
 * What a checkpoint does not say of itself: what was asked so far, and what this person answered.
 */
import { type Conversion, type Question, ViTError } from '../../index.ts';

export class Interview {
  /** As `loadViT` takes them. */
  answers: Conversion | undefined;
  #asked: readonly Question[] = [];

  /** @param more beside what was answered before */
  answer(more: Conversion): void {
    this.answers = { ...this.answers, ...more, preprocess: { ...this.answers?.preprocess, ...more.preprocess } };
  }

  /** What is to be asked after a failure. Where answers do not fit, all of them may be wrong. */
  questionsOf(error: unknown): readonly Question[] {
    if (!(error instanceof ViTError)) return [];
    const fresh = error.questions ?? [];
    const isFresh = ({ name }: Question) => fresh.some((question) => question.name === name);
    this.#asked = [...this.#asked.filter((question) => !isFresh(question)), ...fresh];
    return fresh.length > 0 || error.code === 'bad-input' ? this.#asked : [];
  }
}
