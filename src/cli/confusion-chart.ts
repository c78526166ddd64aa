/**
 * A confusion matrix as SVG that needs no style of its surroundings: rows are what images show, columns what they get.
 */
import type { Evaluation } from './evaluation.ts';

/** Above this many classes there is no room for numbers; above the second, none for names. */
const MOST_WITH_NUMBERS = 25;
const MOST_WITH_NAMES = 100;
const LARGEST_CELL = 44;
const SIDE = 900;

export function drawConfusion({ confusion, perClass, images, top1 }: Evaluation, title: string): string {
  // Only classes that occur: of a thousand labels, a folder may hold ten.
  const shown = perClass.flatMap(({ images }, i) => (images > 0 || confusion.some((row) => row[i] > 0) ? [i] : []));
  const cell = Math.min(LARGEST_CELL, SIDE / shown.length);
  const hasNames = shown.length <= MOST_WITH_NAMES;
  const hasNumbers = shown.length <= MOST_WITH_NUMBERS;
  const size = Math.min(13, cell * 0.8);
  const longest = Math.max(...shown.map((i) => perClass[i].label.length));
  const margin = hasNames ? 16 + longest * size * 0.6 : 16;
  const top = 34 + margin;
  const side = cell * shown.length;
  const parts: string[] = [];
  for (const [row, truth] of shown.entries()) {
    const total = confusion[truth].reduce((a, b) => a + b, 0);
    const y = top + row * cell;
    if (hasNames) parts.push(text(margin - 8, y + cell / 2, perClass[truth].label, size, 'text-anchor="end"'));
    for (const [column, given] of shown.entries()) {
      const count = confusion[truth][given];
      if (count === 0) continue;
      const portion = count / total;
      const x = margin + column * cell;
      // Right answers blue, wrong ones orange, which everybody can tell apart; a root, so that few are seen, too.
      const colour = truth === given ? '#0b6e99' : '#d9730d';
      const opacity = Math.sqrt(portion).toFixed(3);
      parts.push(
        `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${cell.toFixed(1)}" height="${cell.toFixed(1)}" fill="${colour}" fill-opacity="${opacity}"/>`,
      );
      const ink = portion > 0.4 ? 'fill="#fff" text-anchor="middle"' : 'text-anchor="middle"';
      if (hasNumbers) parts.push(text(x + cell / 2, y + cell / 2, String(count), size, ink));
    }
  }
  if (hasNames) {
    for (const [column, given] of shown.entries()) {
      const x = margin + (column + 0.5) * cell;
      parts.push(
        text(0, 0, perClass[given].label, size, `transform="translate(${x.toFixed(1)} ${top - 8}) rotate(-90)"`),
      );
    }
  }
  const heading = `${title}: ${(100 * top1).toFixed(2)} % of ${images.toLocaleString('en')} images`;
  const width = Math.max(margin + side + 12, 24 + heading.length * 7.5);
  const height = top + side + 32;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width.toFixed(0)} ${height.toFixed(0)}" font-family="system-ui, sans-serif">`,
    `<title>${escapeXml(heading)}</title>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(12, 20, heading, 14, 'font-weight="bold"'),
    ...parts,
    `<rect x="${margin.toFixed(1)}" y="${top.toFixed(1)}" width="${side.toFixed(1)}" height="${side.toFixed(1)}" fill="none" stroke="#999"/>`,
    text(margin, top + side + 18, 'Rows: what an image shows. Columns: what it gets.', 12),
    '</svg>',
    '',
  ].join('\n');
}

function text(x: number, y: number, content: string, size: number, attributes = ''): string {
  const fill = attributes.includes('fill=') ? '' : ' fill="#222"';
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size.toFixed(1)}" dominant-baseline="central"${fill} ${attributes}>${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}
