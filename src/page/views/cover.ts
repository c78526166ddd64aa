/**
 * What lies over the photo, placed where the model's crop is: the grid while the model works, then whatever was asked for. Where
 * patches are compared, the pointer chooses one, or the arrow keys do.
 */
import { html, nothing } from 'lit-html';
import { look, overlay, patch, shownPatch } from '../engine/looks.ts';
import { engine } from '../engine/model.ts';
import type { Photo } from '../state/items.ts';
import { model } from '../state/model.ts';
import { text } from '../text/language.ts';

export function coverView({ size, state }: Photo): unknown {
  const now = model.value;
  const vit = engine();
  if (!size || now.state !== 'ready' || !vit) return nothing;
  const { imageSize, patchSize } = now.info.architecture;
  const [rows, columns] = imageSize.map((size, i) => size / patchSize[i]);
  const { source, resized, output, left, top } = vit.geometry(size);
  const [x, y] = [source.width / resized.width, source.height / resized.height];
  const place = [
    `--left: ${(left * x) / source.width}`,
    `--top: ${(top * y) / source.height}`,
    `--width: ${(output.width * x) / source.width}`,
    `--height: ${(output.height * y) / source.height}`,
    `--rows: ${rows}`,
    `--columns: ${columns}`,
  ].join(';');
  const isGrid = state === 'working' || look.value === 'sees';
  const classes = `cover ${isGrid ? 'grid' : ''} ${overlay.value ? 'ready' : ''}`;
  const at = shownPatch.value;
  if (!at) return html`<div class=${classes} .style=${place}>${overlay.value?.canvas ?? nothing}</div>`;
  return html`
    <div
      class=${classes}
      .style=${place}
      tabindex="0"
      role="application"
      aria-label=${text().stage.patchAt(at.row + 1, at.column + 1, rows, columns)}
      @pointermove=${point}
      @pointerdown=${point}
      @keydown=${step}
    >
      ${overlay.value!.canvas}
      <span class="patch" .style=${`--row: ${at.row}; --column: ${at.column}`}></span>
    </div>`;
}

function point({ currentTarget, clientX, clientY }: PointerEvent): void {
  const { left, top, width, height } = (currentTarget as Element).getBoundingClientRect();
  const { canvas } = overlay.value!;
  choose(Math.floor(((clientY - top) / height) * canvas.height), Math.floor(((clientX - left) / width) * canvas.width));
}

/** A photo is not mirrored where text runs from right to left. */
const STEPS: Record<string, [down: number, right: number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

function step(event: KeyboardEvent): void {
  const by = STEPS[event.key];
  const at = shownPatch.value;
  if (!by || !at) return;
  event.preventDefault();
  choose(at.row + by[0], at.column + by[1]);
}

function choose(row: number, column: number): void {
  const { width, height } = overlay.value!.canvas;
  const within = (value: number, most: number) => Math.max(0, Math.min(value, most - 1));
  patch.value = { row: within(row, height), column: within(column, width) };
}
