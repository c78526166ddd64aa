/**
 * The best labels with bars, best first.
 */
import { html } from 'lit-html';
import type { Classification } from '../../index.ts';
import { format, text } from '../text/language.ts';

export function scoresView(best: Classification[]): unknown {
  return html`
    <ol class="scores" aria-label=${text().stage.best}>
      ${best.map(
        ({ label, score }) => html`
          <li>
            <span class="label" title=${label}>${label}</span>
            <span class="bar" .style=${`--score: ${score}`}></span>
            <span class="percent">${format().percent(score)}</span>
          </li>`,
      )}
    </ol>`;
}
