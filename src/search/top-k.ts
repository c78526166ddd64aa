/**
 * The best of many scores, in one pass.
 */
export interface Ranked {
  row: number;
  score: number;
}

/** Candidates beyond `k` that are kept until the next time they are sorted. */
const SLACK = 256;

/** The k largest; of equal scores the first rows. */
export class TopK {
  readonly #k: number;
  /** Whatever is not above it is not among the best. */
  #threshold = Number.NEGATIVE_INFINITY;
  #candidates: Ranked[] = [];

  constructor(k: number) {
    this.#k = k;
  }

  /** @param first row of the first score; no less than those before */
  add(scores: Float32Array, first: number): void {
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i];
      if (!(score > this.#threshold)) continue;
      this.#candidates.push({ row: first + i, score });
      if (this.#candidates.length >= 2 * this.#k + SLACK) this.#cut();
    }
  }

  /** Best first. */
  best(): Ranked[] {
    this.#cut();
    return this.#candidates;
  }

  #cut(): void {
    this.#candidates.sort((a, b) => b.score - a.score || a.row - b.row);
    this.#candidates.length = Math.min(this.#candidates.length, this.#k);
    if (this.#candidates.length === this.#k) this.#threshold = this.#candidates[this.#k - 1].score;
  }
}
