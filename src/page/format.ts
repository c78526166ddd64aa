/**
 * Numbers as people read them.
 */
const percentage = new Intl.NumberFormat('en', {
  style: 'percent',
  maximumFractionDigits: 1,
  minimumFractionDigits: 1,
});
const compact = new Intl.NumberFormat('en', { notation: 'compact', compactDisplay: 'long', maximumFractionDigits: 1 });
const list = new Intl.ListFormat('en', { type: 'conjunction' });

/** `97.3%`; never a rounded 0 or 100 for what is neither. */
export function percent(score: number): string {
  if (score > 0 && score < 0.001) return '< 0.1%';
  if (score < 1 && score > 0.999) return '> 99.9%';
  return percentage.format(score);
}

/** `3.2 MB` of decimal megabytes, `640 kB` below one. */
export function bytes(count: number): string {
  return count < 1e6 ? `${Math.round(count / 1e3)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

/** `3.2 of 10.9 MB`. */
export function bytesOf(loaded: number, total: number): string {
  return total < 1e6
    ? `${Math.round(loaded / 1e3)} of ${bytes(total)}`
    : `${(loaded / 1e6).toFixed(1)} of ${bytes(total)}`;
}

export function milliseconds(time: number): string {
  return `${time < 100 ? time.toFixed(1) : Math.round(time)} ms`;
}

/** `2.7 million`. */
export function count(number: number): string {
  return compact.format(number);
}

const IN_WORDS = [
  'no',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
];

export function things(number: number): string {
  return `${IN_WORDS[number] ?? number.toLocaleString('en')} ${number === 1 ? 'thing' : 'things'}`;
}

/** `airplane, bird, and cat`; of many only the first, and how many more there are. */
export function labelList(labels: string[], most = 12): string {
  const rest = labels.length - most;
  return list.format(rest > 1 ? [...labels.slice(0, most), `${rest.toLocaleString('en')} more`] : labels);
}
