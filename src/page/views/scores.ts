/**
 * The best labels with bars, best first; or numbers, which have none.
 */
import { html } from 'lit-html';
import type { Classification } from '../../index.ts';
import type { PhotoState } from '../state/items.ts';
import { labelCount } from '../state/settings.ts';
import { text } from '../text/language.ts';
import { scoreText } from '../text/score.ts';

export function scoresView(best: Classification[], state: PhotoState): unknown {
  return html`
    <ol class="scores" .style=${`--rows: ${labelCount.value}`} aria-label=${text().stage.best}>
      ${best.map(
        ({ label, score }) => html`
          <li>
            <span class="label" title=${label}>${label}</span>
            ${state === 'measured' ? html`<span></span>` : html`<span class="bar" .style=${`--score: ${score}`}></span>`}
            <span class="percent">${scoreText(score, state)}</span>
          </li>`,
      )}
    </ol>`;
}
