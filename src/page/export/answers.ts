/**
 * All answers as a table or as JSON: file, state, labels with scores, milliseconds, model.
 */
import type { Photo } from '../state/items.ts';

const LABELS = 5;

export function asJson(photos: readonly Photo[]): string {
  const rows = photos.map(({ name, state, best, timing, model }) => ({
    file: name,
    state,
    labels: best.map(({ label, score }) => ({ label, score })),
    milliseconds: timing,
    model,
  }));
  return JSON.stringify(rows, null, 2);
}

export function asCsv(photos: readonly Photo[]): string {
  return table(photos, ',', csvField, '\r\n');
}

/** For the clipboard: spreadsheets take tabs. */
export function asTabs(photos: readonly Photo[]): string {
  return table(photos, '\t', (value) => plain(value).replace(/[\t\r\n]+/g, ' '), '\n');
}

function table(photos: readonly Photo[], between: string, field: (value: string) => string, end: string): string {
  const ranks = Array.from({ length: LABELS }, (_, i) => [`label ${i + 1}`, `score ${i + 1}`]).flat();
  const header = ['file', 'state', ...ranks, 'decode ms', 'preprocess ms', 'run ms', 'model'];
  const rows = photos.map(({ name, state, best, timing, model }) => [
    name,
    state,
    ...Array.from({ length: LABELS }, (_, i) => [best[i]?.label ?? '', best[i] ? `${best[i].score}` : '']).flat(),
    ...(['decode', 'preprocess', 'run'] as const).map((step) => timing?.[step].toFixed(2) ?? ''),
    model,
  ]);
  return [header, ...rows].map((row) => row.map(field).join(between) + end).join('');
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
