/**
 * The classification page: photos come in, wait in a row, and get their answers one after another.
 */
import { checkSupport, loadViT, type ViT } from '../index.ts';
import { announce } from './announce.ts';
import { Card, SHOWN_LABELS } from './card.ts';
import { type Arrival, onDrop, onPaste, onPick, onSample, type Receive } from './intake.ts';
import {
  isFatal,
  knownLabels,
  modelProblem,
  NOTHING_DROPPED,
  NOTHING_PASTED,
  notFound,
  type Problem,
  photoProblem,
  unreachable,
} from './sentences.ts';
import { Status } from './status.ts';

const EMBEDDED = 'weights/vit-cifar10/model.json';
const model = new URL(new URLSearchParams(location.search).get('model') ?? EMBEDDED, document.baseURI);

interface Job {
  arrival: Exclude<Arrival, { kind: 'refused' }>;
  card: Card;
}

const cards = document.querySelector<HTMLElement>('#cards')!;
const status = new Status(load);
const waiting: Job[] = [];
let vit: ViT | null = null;
let isWorking = false;

onDrop(receive);
onPaste(receive);
onPick(document.querySelector<HTMLInputElement>('#files')!, receive);
onSample(document.querySelector<HTMLElement>('#samples')!, receive);
if (/Mac|iPhone|iPad/.test(navigator.platform)) document.querySelector('#paste-keys')!.textContent = '⌘ V';
if (model.href !== new URL(EMBEDDED, document.baseURI).href) document.querySelector('#knows')!.classList.add('unknown');
load();

async function load(): Promise<void> {
  status.loading();
  let isLoading = true;
  try {
    // Reports come by a way of their own, and may be late.
    vit = await loadViT(model, { onProgress: (progress) => isLoading && status.progress(progress) });
  } catch (error) {
    announce(status.failed(modelProblem(error)));
    return;
  } finally {
    isLoading = false;
  }
  sayKnown(knownLabels(vit.info.labels));
  const support = await checkSupport();
  announce(status.ready(vit.info, support));
  work();
}

function receive(...[arrivals, how]: Parameters<Receive>): void {
  if (arrivals.length === 0) {
    if (how !== 'pick') announce(how === 'paste' ? NOTHING_PASTED : NOTHING_DROPPED);
    return;
  }
  document.querySelector('#ghost')?.remove();
  const fresh = arrivals.map((arrival) => {
    const card = new Card(arrival.name, arrivals.length > 1);
    cards.append(card.element);
    if (arrival.kind === 'refused') announce(card.refused(arrival.problem));
    else waiting.push({ arrival, card });
    if (arrival.kind === 'file') card.show(arrival.file);
    return card;
  });
  // As many as can be seen, the first of them for certain.
  for (const card of [fresh[fresh.length - 1], fresh[0]]) card.element.scrollIntoView({ block: 'nearest' });
  work();
}

/** One photo after another, as long as there is a model and a photo. */
async function work(): Promise<void> {
  if (isWorking) return;
  isWorking = true;
  while (vit && waiting.length > 0) announce(await answer(vit, waiting.shift()!));
  isWorking = false;
}

/** @returns what there is to announce. */
async function answer(engine: ViT, { arrival, card }: Job): Promise<string> {
  let photo: Blob;
  if (arrival.kind === 'file') photo = arrival.file;
  else {
    const fetched = await fetchPhoto(arrival.url);
    if (!(fetched instanceof Blob)) return card.failed(fetched);
    photo = fetched;
    card.show(photo);
  }
  card.working(engine.info.architecture);
  try {
    const best = await engine.classify(photo, { topK: SHOWN_LABELS });
    return card.answered(best, engine.lastTiming!, engine.info);
  } catch (error) {
    if (isFatal(error)) giveUp(error);
    return card.failed(photoProblem(error, arrival.name));
  }
}

/** The engine answers no more: what waits goes on waiting until it is loaded again. */
function giveUp(error: unknown): void {
  vit?.dispose();
  vit = null;
  announce(status.failed(modelProblem(error)));
}

async function fetchPhoto(url: string): Promise<Blob | Problem> {
  const { hostname } = new URL(url);
  try {
    const response = await fetch(url);
    return response.ok ? await response.blob() : notFound(hostname, response.status);
  } catch {
    return unreachable(hostname);
  }
}

function sayKnown(sentence: string): void {
  const known = document.querySelector('#knows')!;
  known.classList.remove('unknown');
  known.textContent = sentence;
}
