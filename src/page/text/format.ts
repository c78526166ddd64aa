/**
 * Numbers as people of a language read them.
 */
export class Format {
  readonly #number: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;
  readonly #compact: Intl.NumberFormat;
  readonly #list: Intl.ListFormat;
  readonly #locale: string;

  constructor(locale: string) {
    const digits = { maximumFractionDigits: 1, minimumFractionDigits: 1 };
    this.#locale = locale;
    this.#number = new Intl.NumberFormat(locale);
    this.#percent = new Intl.NumberFormat(locale, { style: 'percent', ...digits });
    this.#compact = new Intl.NumberFormat(locale, {
      notation: 'compact',
      compactDisplay: 'long',
      maximumFractionDigits: 1,
    });
    this.#list = new Intl.ListFormat(locale, { type: 'conjunction' });
  }

  number(value: number): string {
    return this.#number.format(value);
  }

  /** `97.3%`; never a rounded 0 or 100 for what is neither. */
  percent(score: number): string {
    if (score > 0 && score < 0.001) return '< 0.1%';
    if (score < 1 && score > 0.999) return '> 99.9%';
    return this.#percent.format(score);
  }

  /** `2.7 million`. */
  compact(value: number): string {
    return this.#compact.format(value);
  }

  list(words: string[]): string {
    return this.#list.format(words);
  }

  /** `3.2 MB` of decimal megabytes, `640 kB` below one. */
  bytes(count: number): string {
    return count < 1e6 ? `${Math.round(count / 1e3)} kB` : `${(count / 1e6).toFixed(1)} MB`;
  }

  /** `3.2` of what `bytes(total)` has as its unit. */
  bytesLike(count: number, total: number): string {
    return total < 1e6 ? `${Math.round(count / 1e3)}` : (count / 1e6).toFixed(1);
  }

  milliseconds(time: number): string {
    return `${time < 100 ? time.toFixed(1) : Math.round(time)} ms`;
  }

  /** `20 seconds`, `3 minutes`: rounded, since nobody knows it better. */
  duration(seconds: number): string {
    const [value, unit] =
      seconds < 90 ? [Math.max(1, Math.round(seconds)), 'second'] : [Math.round(seconds / 60), 'minute'];
    return new Intl.NumberFormat(this.#locale, { style: 'unit', unit, unitDisplay: 'long' }).format(value);
  }
}
