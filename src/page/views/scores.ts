/**
 * The best labels with bars, best first; or numbers, which have none.
 */
import { html } from 'lit-html';
import type { Classification } from '../../index.ts';
import type { PhotoState } from '../state/items.ts';
import { text } from '../text/language.ts';
import { scoreText } from '../text/score.ts';

/** @param rows how many of them, and what room is kept for */
export function scoresView(best: Classification[], state: PhotoState, rows: number): unknown {
  return html`
    <ol class="scores" .style=${`--rows: ${rows}`} aria-label=${text().stage.best}>
      ${best.slice(0, rows).map(
        ({ label, score }) => html`
          <li>
            <span class="label" title=${label}>${label}</span>
            ${state === 'measured' ? html`<span></span>` : html`<span class="bar" .style=${`--score: ${score}`}></span>`}
            <span class="percent">${scoreText(score, state)}</span>
          </li>`,
      )}
    </ol>`;
}
