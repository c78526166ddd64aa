/**
 * One photo, large, and its answer beside it.
 */
import { signal } from '@preact/signals-core';
import { html, nothing } from 'lit-html';
import { guard } from 'lit-html/directives/guard.js';
import { keyed } from 'lit-html/directives/keyed.js';
import { live as asShown } from 'lit-html/directives/live.js';
import type { Conversion } from '../../index.ts';
import { changeModel } from '../engine/change-model.ts';
import { hasFailed, head, type Look, layer, look } from '../engine/looks.ts';
import { hasEmbeddedModel } from '../engine/model.ts';
import { retry } from '../engine/photo-queue.ts';
import { FIRST_OFFER } from '../state/catalogue.ts';
import { type Answer, answers, type Photo, removePhotos, selected, updatePhoto } from '../state/items.ts';
import { live } from '../state/live.ts';
import { type ModelState, model } from '../state/model.ts';
import { declineOffer, isOfferDeclined } from '../state/offer.ts';
import { kind, question } from '../state/question.ts';
import { second } from '../state/second.ts';
import { chooseSecond, labelCount } from '../state/settings.ts';
import { format, text } from '../text/language.ts';
import { scoreText } from '../text/score.ts';
import { chooseKind } from './ask.ts';
import { coverView } from './cover.ts';
import { liveView } from './live.ts';
import { againView, linesOf, technicalView } from './model.ts';
import { PhotoUrl } from './photo-url.ts';
import { scoresView } from './scores.ts';

/** Kept as long as the photo is on the stage. */
const shownUrl = new PhotoUrl();

export function stageView(): unknown {
  const photo = selected.value;
  const camera = live.value;
  const root = document.querySelector<HTMLElement>('#stage')!;
  root.dataset.state = camera ? (camera.verdict ?? 'working') : (photo?.state ?? 'empty');
  root.toggleAttribute('data-compared', isCompared() && !camera);
  if (camera) return liveView(camera);
  return html`${photoView(photo)}${photo ? answerView(photo) : html`<div class="answer"></div>`}`;
}

function photoView(photo: Photo | null): unknown {
  const url = shownUrl.of(photo);
  if (!photo || !url) {
    return html`<div class="photo blank"><p>${photo ? nothing : text().stage.empty}</p></div>`;
  }
  const onLoad = ({ target }: Event) => {
    const { naturalWidth: width, naturalHeight: height } = target as HTMLImageElement;
    if (!photo.size && width > 0) updatePhoto(photo.id, { size: { width, height } });
  };
  // A picture of its own for each photo: the last one must not stay until the next is decoded.
  return keyed(
    photo.id,
    html`
      <div class="photo">
        <div class="frame" data-look=${look.value} draggable=${kind.value === 'things'}>
          <img
            src=${url}
            alt=${photo.name}
            decoding="async"
            draggable="false"
            @load=${onLoad}
            @error=${({ target }: Event) => (target as Element).closest('.photo')!.classList.add('blank')}
          >
          ${coverView(photo)}
        </div>
      </div>`,
  );
}

function answerView(photo: Photo): unknown {
  const { state, best, timing, name } = photo;
  const { stage, ask } = text();
  const isAnswered = ['sure', 'torn', 'unsure', 'measured'].includes(state);
  // Asked something else: what is below keeps its place.
  const isAskedAgain = state === 'seen' || (state === 'working' && answers.value !== null);
  return html`
    <div class="answer">
      <p class="name" title=${name}>${name}${isCompared() && photo.model ? html` <span>${photo.model}</span>` : nothing}</p>
      <h2 class="verdict" title=${isAnswered ? best[0].label : nothing}>${verdictOf(photo, model.value)}</h2>
      ${isAnswered || isAskedAgain ? scoresView(best, state, rows()) : nothing}
      ${isCompared() ? secondView(photo.second) : nothing}
      <p class="note">${noteOf(photo)}</p>
      ${isAnswered || isAskedAgain ? looksView() : nothing}
      <p class="times">
        ${
          timing
            ? stage
                .times(
                  ...((['decode', 'preprocess', 'run'] as const).map((step) => format().milliseconds(timing[step])) as [
                    string,
                    string,
                    string,
                  ]),
                )
                .map((time) => html`<span>${time}</span> `)
            : nothing
        }
      </p>
      ${isOffered(photo) ? offerView() : nothing}
      <div class="doings">
        <button class="quiet" type="button" @click=${() => removePhotos(({ id }) => id === photo.id)}>${stage.remove}</button>
        ${(state === 'unsure' || state === 'torn') && !question.value ? knownView() : nothing}
        ${state === 'seen' ? html`<button class="quiet" type="button" @click=${() => chooseKind('words')}>${ask.words}</button>` : nothing}
        ${state === 'failed' && photo.file ? html`<button class="quiet" type="button" @click=${() => retry(photo)}>${stage.retry}</button>` : nothing}
      </div>
    </div>`;
}

/** Two models side by side, each with its own labels. */
function isCompared(): boolean {
  return second.value !== null && question.value === null;
}

/** Of two models fewer labels each. */
function rows(): number {
  return isCompared() ? Math.min(3, labelCount.value) : labelCount.value;
}

function secondView(answer: Answer | null): unknown {
  const now = second.value!;
  const { line, detail } = linesOf(now);
  const { state, best, model: name } = answer ?? { state: 'waiting' as const, best: [], model: '' };
  return html`
    <div class="other" data-state=${state}>
      <p class="name"><span>${name || (now.state === 'ready' ? now.info.name : text().compare.second)}</span></p>
      ${
        answer
          ? html`<h3 class="verdict" title=${best[0]?.label ?? nothing}>${verdictOf(answer, now)}</h3>${scoresView(best, state, rows())}`
          : html`<h3 class="verdict">${now.state === 'ready' ? text().stage.waiting : line}</h3><p class="soft">${now.state === 'ready' ? nothing : detail}</p>`
      }
      ${now.state === 'failed' ? secondWaysOut(now) : nothing}
    </div>`;
}

/** The script that loads the second model is here by now. */
function secondWaysOut(now: Extract<ModelState, { state: 'failed' }>): unknown {
  const again = async (given?: Conversion) => (await import('../engine/compare.ts')).loadAgain(given);
  return html`
    ${technicalView(now)}
    <p class="ways-out">
      ${againView(now, () => again(), again)}
      <button class="quiet" type="button" @click=${() => chooseSecond(null)}>${text().compare.stop}</button>
    </p>`;
}

/** Whether a photo that this model does not know is offered another one; the note says what it is. */
function isOffered({ state }: Photo): boolean {
  const isAsked = state === 'unsure' && !question.value && look.value === 'photo';
  return isAsked && hasEmbeddedModel() && !isOfferDeclined.value && !isCompared();
}

/** In one row, also on a small phone: the stage is as high with it as without. */
function offerView(): unknown {
  const { offer, catalogue } = text();
  const { address, name, bytes } = FIRST_OFFER;
  return html`
    <p class="offer">
      <button class="button" type="button" @click=${() => changeModel(address)}>${catalogue.load(name, format().bytes(bytes))}</button>
      <button class="quiet" type="button" aria-label=${offer.decline} title=${offer.decline} @click=${declineOffer}>×</button>
    </p>`;
}

/** @param by the model, or how far it is */
function verdictOf({ state, best, problem }: Answer, by: ModelState): unknown {
  const { stage } = text();
  switch (state) {
    case 'waiting':
      return { loading: stage.waitingForModel, failed: stage.noModel, ready: stage.waiting }[by.state];
    case 'working':
      return stage.working;
    case 'sure':
      return html`<span class="label">${best[0].label}</span>`;
    case 'measured':
      return html`<span class="label">${best[0].label} ${scoreText(best[0].score, state)}</span>`;
    case 'torn':
      return html`<span class="label">${stage.torn(best[0].label, best[1].label)}</span>`;
    case 'unsure':
      return stage.notSure;
    case 'seen':
      return stage.seen;
    case 'failed':
      return problem!(text()).title;
  }
}

function noteOf(photo: Photo): string {
  const { state, problem } = photo;
  const { stage, ask, offer } = text();
  if (isOffered(photo)) return offer.sentence(FIRST_OFFER.name, FIRST_OFFER.licence);
  switch (state) {
    case 'failed':
      return problem!(text()).sentence;
    case 'waiting':
      return model.value.state === 'failed' ? stage.noModelNote : '';
    case 'working':
      return '';
    default:
      return (
        lookNote() ||
        {
          ...{ sure: '', measured: '', torn: stage.tornNote, seen: stage.seenNote },
          unsure: question.value ? ask.notSureNote : stage.notSureNote,
        }[state]
      );
  }
}

/** About what lies over the photo; empty where nothing does. */
function lookNote(): string {
  const { stage } = text();
  if (look.value === 'photo' || model.value.state !== 'ready') return '';
  if (hasFailed.value) return stage.failedLook;
  if (look.value === 'attention') return hasAttention() ? stage.attentionNote : stage.noAttention;
  if (look.value === 'similar') return stage.similarNote;
  const { imageSize, patchSize } = model.value.info.architecture;
  const [rows, columns] = imageSize.map((size, i) => size / patchSize[i]);
  return stage.seesNote(imageSize[1], imageSize[0], rows, columns);
}

function hasAttention(): boolean {
  return model.value.state === 'ready' && model.value.info.architecture.classToken;
}

const LOOKS: Look[] = ['photo', 'sees', 'attention', 'similar'];

function looksView(): unknown {
  const { stage } = text();
  const choice = (kind: Look) => html`
    <label title=${kind === 'attention' && !hasAttention() ? stage.noAttention : nothing}>
      <input
        class="unseen"
        type="radio"
        name="look"
        value=${kind}
        .checked=${asShown(look.value === kind)}
        ?disabled=${kind === 'attention' && !hasAttention()}
        @change=${() => {
          look.value = kind;
        }}
      >
      <span>${stage[kind]}</span>
    </label>`;
  return html`
    <fieldset class="looks">
      <legend class="unseen">${stage.view}</legend>
      ${LOOKS.map(choice)}
    </fieldset>
    ${look.value === 'attention' ? attentionView() : nothing}`;
}

function attentionView(): unknown {
  if (model.value.state !== 'ready') return nothing;
  const { stage } = text();
  const { depth, heads } = model.value.info.architecture;
  return html`
    <p class="which">
      ${choose(stage.layer, stage.allLayers, depth, layer.value, (value) => {
        layer.value = value;
      })}
      ${choose(stage.head, stage.allHeads, heads, head.value, (value) => {
        head.value = value;
      })}
    </p>`;
}

function choose(
  name: string,
  all: string,
  count: number,
  value: number | null,
  onChange: (value: number | null) => void,
): unknown {
  const change = ({ target }: Event) => {
    const chosen = (target as HTMLSelectElement).value;
    onChange(chosen === '' ? null : Number(chosen));
  };
  return html`
    <label>${name}
      <select .value=${asShown(`${value ?? ''}`)} @change=${change}>
        <option value="">${all}</option>
        ${Array.from({ length: count }, (_, i) => html`<option value=${i}>${i + 1}</option>`)}
      </select>
    </label>`;
}

const search = signal('');

/** All labels, to look for one: there may be a thousand. */
function knownView(): unknown {
  if (model.value.state !== 'ready') return nothing;
  const { labels } = model.value.info;
  const { stage } = text();
  const wanted = search.value.toLowerCase();
  return html`
    <details class="known">
      <summary class="quiet">${stage.allKnown}</summary>
      <input
        type="search"
        aria-label=${stage.search}
        placeholder=${stage.search}
        ?hidden=${labels.length <= 12}
        @input=${({ target }: Event) => {
          search.value = (target as HTMLInputElement).value;
        }}
      >
      ${guard(
        [labels, wanted],
        () => html`
          <ul tabindex="0" aria-label=${stage.allKnown}>
            ${labels.filter((label) => label.toLowerCase().includes(wanted)).map((label) => html`<li>${label}</li>`)}
          </ul>`,
      )}
    </details>`;
}
