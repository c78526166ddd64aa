/**
 * What is asked, in a line: the answer to the photo on the stage, for those who look at the boxes or at the words.
 */
import { html, nothing } from 'lit-html';
import { selected } from '../state/items.ts';
import { text } from '../text/language.ts';
import { scoreText } from '../text/score.ts';

/** How many labels it names. */
const NAMED = 3;

export function shownView(): unknown {
  const photo = selected.value;
  if (!photo || photo.best.length === 0) return nothing;
  const ranking = photo.best.slice(0, NAMED).map(({ label, score }) => `${label} ${scoreText(score, photo.state)}`);
  return html`<p class="shown">${text().ask.shown(photo.name, ranking)}</p>`;
}
