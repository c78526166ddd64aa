/**
 * A video on the stage, with the answer to what it shows now.
 */
import { html, nothing } from 'lit-html';
import type { Classification } from '../../index.ts';
import type { Live } from '../state/live.ts';
import { labelCount } from '../state/settings.ts';
import type { Verdict } from '../state/verdict.ts';
import { text } from '../text/language.ts';
import { scoreText } from '../text/score.ts';
import { scoresView } from './scores.ts';

export function liveView({
  video,
  name,
  isMirrored,
  isPaused,
  best,
  verdict,
  rate,
  flip,
  pause,
  stop,
  keep,
}: Live): unknown {
  const { camera, stage } = text();
  return html`
    <div class="photo"><div class="frame ${isMirrored ? 'mirrored' : ''}">${video}</div></div>
    <div class="answer">
      <p class="name" title=${name()}>${name()}</p>
      <h2 class="verdict">
        ${verdict ? headline(best[0], verdict) : stage.working}
      </h2>
      ${verdict ? scoresView(best, verdict, labelCount.value) : nothing}
      <p class="note">${rate > 0 ? camera.rate(rate < 10 ? rate.toFixed(1) : `${Math.round(rate)}`) : ''}</p>
      <div class="doings">
        <button class="quiet" type="button" @click=${keep}>${camera.keep}</button>
        <button class="quiet" type="button" @click=${pause}>${isPaused ? camera.resume : camera.pause}</button>
        ${flip ? html`<button class="quiet" type="button" @click=${flip}>${camera.flip}</button>` : nothing}
        <button class="quiet" type="button" @click=${stop}>${camera.stop}</button>
      </div>
    </div>`;
}

function headline({ label, score }: Classification, verdict: Verdict): unknown {
  if (verdict === 'measured') return html`<span class="label">${label} ${scoreText(score, verdict)}</span>`;
  return verdict === 'sure' ? html`<span class="label">${label}</span>` : text().stage.notSure;
}
