/**
 * Images per second of every system, model and batch as bars, in SVG that needs no style of its surroundings.
 */
import { type Comparison, isCompared } from './compare.ts';

const WIDTH = 820;
const LABEL = 230;
const BAR = 18;
const GAP = 26;
/** Distinct also for those who see no red or no green. */
const COLOURS = ['#0b6e99', '#e08a1e', '#7a7a7a', '#9b5fb5', '#4c9a52', '#333333', '#d9c23a'];

export function drawChart({
  comparisons,
  runtime,
  adapter,
}: {
  comparisons: Comparison[];
  runtime: string;
  adapter: string;
}): string {
  const parts: string[] = [];
  const systems = [
    ...new Set(comparisons.flatMap(({ batches }) => batches.flatMap(({ rows }) => rows.map((r) => r.system)))),
  ];
  let y = 30;
  for (const { model, batches } of comparisons) {
    for (const { images, rows } of batches.filter(isCompared)) {
      const fastest = Math.max(...rows.map((row) => row.imagesPerSecond ?? 0));
      parts.push(text(12, y + 12, `${model}, batch ${images}`, 'font-weight="bold"'));
      y += GAP;
      for (const { system, imagesPerSecond, remark } of rows) {
        const length = imagesPerSecond ? Math.max(1, ((WIDTH - LABEL - 110) * imagesPerSecond) / fastest) : 0;
        const colour = COLOURS[systems.indexOf(system) % COLOURS.length];
        parts.push(text(LABEL - 8, y + 13, system, 'text-anchor="end"'));
        parts.push(`<rect x="${LABEL}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" fill="${colour}"/>`);
        const value = imagesPerSecond ? `${imagesPerSecond.toPrecision(3)} images/s` : remark || 'not run';
        parts.push(text(LABEL + length + 6, y + 13, value));
        y += BAR + 4;
      }
      y += 14;
    }
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>Images per second, ${escapeXml(`${runtime}, ${adapter}`)}</title>`,
    `<rect width="${WIDTH}" height="${y}" fill="#fff"/>`,
    text(12, 18, `${runtime}, ${adapter}: longer is faster`),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y}" fill="#222" ${attributes}>${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}
