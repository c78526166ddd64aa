/**
 * The camera on the stage, with the answer to what it shows now.
 */
import { html, nothing } from 'lit-html';
import type { Live } from '../state/live.ts';
import { labelCount } from '../state/settings.ts';
import { text } from '../text/language.ts';
import { scoresView } from './scores.ts';

export function liveView({ video, isMirrored, isPaused, best, verdict, rate, flip, pause, stop, keep }: Live): unknown {
  const { camera, stage } = text();
  return html`
    <div class="photo"><div class="frame ${isMirrored ? 'mirrored' : ''}">${video}</div></div>
    <div class="answer">
      <p class="name">${text().shell.camera}</p>
      <h2 class="verdict">
        ${verdict === 'sure' ? html`<span class="label">${best[0].label}</span>` : verdict ? stage.notSure : stage.working}
      </h2>
      ${verdict ? scoresView(best.slice(0, labelCount.value)) : nothing}
      <p class="note">${rate > 0 ? camera.rate(rate < 10 ? rate.toFixed(1) : `${Math.round(rate)}`) : ''}</p>
      <div class="doings">
        <button class="quiet" type="button" @click=${keep}>${camera.keep}</button>
        <button class="quiet" type="button" @click=${pause}>${isPaused ? camera.resume : camera.pause}</button>
        ${flip ? html`<button class="quiet" type="button" @click=${flip}>${camera.flip}</button>` : nothing}
        <button class="quiet" type="button" @click=${stop}>${camera.stop}</button>
      </div>
    </div>`;
}
