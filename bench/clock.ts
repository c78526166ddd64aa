/**
 * Laps: how long each stage took since the one before.
 */
export class Clock {
  /** Milliseconds by stage, in order. */
  readonly stages: Record<string, number> = {};
  #last = performance.now();

  /** Ends a stage. */
  lap(stage: string): void {
    const now = performance.now();
    this.stages[stage] = now - this.#last;
    this.#last = now;
  }
}
