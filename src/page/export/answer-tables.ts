/**
 * All answers as a table or as JSON: file, state, what `classify` says of being sure, labels with scores, milliseconds, model; and the same
 * of the second model, where two are compared.
 */
import type { Answer, Photo } from '../state/items.ts';

const LABELS = 5;

export function asJson(photos: readonly Photo[]): string {
  const rows = photos.map(({ name, second, ...answer }) => ({
    file: name,
    ...facts(answer),
    ...(second && { second: facts(second) }),
  }));
  return JSON.stringify(rows, null, 2);
}

function facts({ state, best, timing, model }: Answer): object {
  const labels = best.map(({ label, score }) => ({ label, score }));
  return { state, sure: best.sure, labels, milliseconds: timing, model };
}

export function asCsv(photos: readonly Photo[]): string {
  return table(photos, ',', csvField, '\r\n');
}

/** For the clipboard: spreadsheets take tabs. */
export function asTabs(photos: readonly Photo[]): string {
  return table(photos, '\t', (value) => plain(value).replace(/[\t\r\n]+/g, ' '), '\n');
}

/** Where two models are compared, the second has the same columns once more. */
function table(photos: readonly Photo[], between: string, field: (value: string) => string, end: string): string {
  const isCompared = photos.some(({ second }) => second !== null);
  const header = ['file', ...COLUMNS, ...(isCompared ? COLUMNS.map((name) => `second ${name}`) : [])];
  const rows = photos.map((photo) => [photo.name, ...cells(photo), ...(isCompared ? cells(photo.second) : [])]);
  return [header, ...rows].map((row) => row.map(field).join(between) + end).join('');
}

const RANKS = Array.from({ length: LABELS }, (_, i) => i);
const COLUMNS = [
  ...['state', 'sure'],
  ...RANKS.flatMap((i) => [`label ${i + 1}`, `score ${i + 1}`]),
  ...['decode ms', 'preprocess ms', 'run ms', 'model'],
];

function cells(answer: Answer | null): string[] {
  if (!answer) return COLUMNS.map(() => '');
  const { state, best, timing, model } = answer;
  return [
    ...[state, `${best.sure ?? ''}`],
    ...RANKS.flatMap((i) => [best[i]?.label ?? '', best[i] ? `${best[i].score}` : '']),
    ...(['decode', 'preprocess', 'run'] as const).map((step) => timing?.[step].toFixed(2) ?? ''),
    model,
  ];
}

function csvField(value: string): string {
  const text = plain(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A file may be called `=HYPERLINK(…)`, and a spreadsheet would run it. */
function plain(value: string): string {
  return /^[=+@\t\r]|^-(?![\d.])/.test(value) ? `'${value}` : value;
}

export function download(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  [link.href, link.download] = [url, name];
  link.click();
  // By then the download has begun.
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
