/**
 * How far it is, how fast, and how long it will take.
 */

/** Milliseconds that the rate is an average of. */
const WINDOW = 30_000;

export class Progress {
  readonly total: number;
  #done: number;
  #bad = 0;
  /** When, and how many were done then; oldest first. */
  #samples: [time: number, done: number][];

  /** @param done before it begins @param now milliseconds, as all times here */
  constructor(total: number, done: number, now = performance.now()) {
    this.total = total;
    this.#done = done;
    this.#samples = [[now, done]];
  }

  get done(): number {
    return this.#done;
  }

  /** Of those that were added. */
  get bad(): number {
    return this.#bad;
  }

  add(pictures: number, bad = 0, now = performance.now()): void {
    this.#done += pictures;
    this.#bad += bad;
    this.#samples.push([now, this.#done]);
    while (this.#samples.length > 2 && now - this.#samples[1][0] > WINDOW) this.#samples.shift();
  }

  /** `1,200 of 10,000 pictures, 40.2/s, 3 min 39 s left` */
  text(now = performance.now()): string {
    const [[from, before]] = this.#samples;
    const rate = ((this.#done - before) / (now - from)) * 1000;
    const counts = `${number(this.#done)} of ${number(this.total)} pictures`;
    if (!(rate > 0) || !Number.isFinite(rate)) return counts;
    return `${counts}, ${rate.toFixed(1)}/s, ${duration((this.total - this.#done) / rate)} left`;
  }
}

export function number(count: number): string {
  return count.toLocaleString('en-US');
}

/** `41 s`, `3 min 5 s`, `2 h 7 min`, `3 d 4 h` */
export function duration(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  const whole = Math.ceil(seconds);
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return '0 s';
  let left = whole;
  const words: string[] = [];
  for (const [unit, size] of units.slice(first, first + 2)) {
    const amount = Math.floor(left / size);
    left -= amount * size;
    if (amount > 0) words.push(`${amount} ${unit}`);
  }
  return words.join(' ');
}
