/**
 * The ways in: a drop anywhere, a paste, the pickers, the samples.
 */
import { changeModel } from '../engine/change-model.ts';
import { enqueue } from '../engine/photo-queue.ts';
import { refused } from '../state/items.ts';
import { announce, notify } from '../state/notices.ts';
import type { Problem } from '../state/problem.ts';
import { text } from '../text/language.ts';
import { type Arrivals, fromFiles, fromUrl, mayBePhoto } from './arrivals.ts';
import { filesBeside, photosIn } from './folders.ts';
import { holdModel } from './model-files.ts';
import { type Held, heldBy } from './transfer.ts';

/** Without a `dragover` for so long, whatever hovered over the page is gone; browsers send one every third of a second. */
const HOVER_MS = 600;

export function onDrop(): void {
  const page = document.documentElement;
  /** What is dragged began on this page: it is no photo that comes. */
  let isOwn = false;
  let timer = 0;
  const leave = () => {
    clearTimeout(timer);
    page.removeAttribute('data-dragging');
  };

  addEventListener('dragstart', () => {
    isOwn = true;
  });
  addEventListener('dragend', () => {
    isOwn = false;
    leave();
  });
  addEventListener('dragover', (event) => {
    // Over a place that takes it by itself.
    if (event.defaultPrevented) return leave();
    if (isOwn || !mayHoldPhoto(event.dataTransfer)) return;
    // Without this the browser would leave the page and open the file.
    event.preventDefault();
    event.dataTransfer!.dropEffect = 'copy';
    if (!looksLikePhoto(event.dataTransfer)) return;
    page.setAttribute('data-dragging', '');
    clearTimeout(timer);
    timer = window.setTimeout(leave, HOVER_MS);
  });
  addEventListener('dragleave', (event) => {
    // Null: the pointer left the window, and did not only cross from one element into another.
    if (event.relatedTarget === null) leave();
  });
  addEventListener('drop', (event) => {
    leave();
    if (event.defaultPrevented || isOwn || !mayHoldPhoto(event.dataTransfer)) return;
    event.preventDefault();
    receiveHeld(heldBy(event.dataTransfer!), text().nothing.dropped);
  });
}

export function onPaste(): void {
  addEventListener('paste', (event) => {
    if (event.clipboardData && !isField(event.target)) receiveHeld(heldBy(event.clipboardData), text().nothing.pasted);
  });
}

/** For phones, which have no keys for it. */
export function onPasteButton(button: HTMLButtonElement): void {
  button.hidden = !navigator.clipboard?.read;
  button.addEventListener('click', async () => {
    try {
      const files: File[] = [];
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((type) => type.startsWith('image/'));
        if (type) files.push(new File([await item.getType(type)], 'image.png', { type }));
      }
      receive(fromFiles(files), text().nothing.pasted);
    } catch {
      notify(text().nothing.pasteRefused);
    }
  });
}

export function onPick(input: HTMLInputElement): void {
  input.addEventListener('change', () => {
    const files = Array.from(input.files ?? []);
    // So that the same file can be picked again.
    input.value = '';
    if (files.length > 0) receive(fromFiles(files), '');
  });
}

export function onPickFolder(input: HTMLInputElement): void {
  // Phones open no folders.
  if (!('webkitdirectory' in input) || matchMedia('(hover: none)').matches) input.labels![0].hidden = true;
  input.addEventListener('change', () => {
    const files = Array.from(input.files ?? []);
    input.value = '';
    if (files.length === 0) return;
    const beside = files.filter(({ webkitRelativePath }) => webkitRelativePath.split('/').length === 2);
    if (holdModel(beside)) changeModel(beside);
    else receive(fromFiles(files.filter(mayBePhoto)), text().nothing.folder(files[0].webkitRelativePath.split('/')[0]));
  });
}

export function onSample(samples: HTMLElement): void {
  samples.addEventListener('click', (event) => {
    const photo = (event.target as Element).closest('button')?.dataset.photo;
    if (photo) receive(fromUrl(new URL(photo, document.baseURI).href), '');
  });
}

/** @param nothing what to say where there is no photo */
export function receive({ photos, videos: [video, ...more], refused: strange }: Arrivals, nothing: string): void {
  const others = [...strange, ...more.map(({ name }) => ({ name, problem: oneVideo(name) }))];
  if (photos.length + others.length === 0 && !video) {
    notify(nothing);
    return;
  }
  const problems = others.map(({ problem }) => problem(text()));
  // A single one is explained where it cannot be missed; of several there is a list.
  if (others.length === 1) notify(`${problems[0].title}. ${problems[0].sentence}`);
  else for (const { title, sentence } of problems) announce(`${title}. ${sentence}`);
  refused.value = [...others, ...refused.value];
  if (photos.length > 0) enqueue(photos);
  if (video) playVideo(video);
  // Somebody who reads further down is left there; who has just chosen one photo wants to see it.
  if (photos.length === 1 || video) bringInSight(document.querySelector('#stage')!);
}

/** Only one is on the stage. */
function oneVideo(name: string): Problem {
  return ({ problems }) => problems.oneVideo(name);
}

function playVideo(file: File): void {
  import('../engine/video-file.ts').then(
    ({ openVideo }) => openVideo(file),
    () => notify(text().nothing.notLoaded),
  );
}

/** From its top: it may be higher than the window. */
function bringInSight(element: Element): void {
  const { top } = element.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) element.scrollIntoView({ block: 'start' });
}

async function receiveHeld({ arrivals, folders, files }: Held, nothing: string): Promise<void> {
  if (holdModel(files)) return changeModel(files);
  const isEmpty = Object.values(arrivals).every(({ length }) => length === 0);
  if (folders.length === 0 || !isEmpty) receive(arrivals, nothing);
  for (const folder of folders) {
    const beside = await filesBeside(folder);
    if (holdModel(beside)) return changeModel(beside);
    let last: number | null = null;
    for await (const part of photosIn(folder)) last = enqueue(fromFiles(part).photos, { behind: last }).at(-1)!.id;
    if (last === null) notify(text().nothing.folder(folder.name));
  }
}

function mayHoldPhoto(transfer: DataTransfer | null): boolean {
  return looksLikePhoto(transfer) || !!transfer?.types.includes('text/html');
}

/** Selected text comes as `text/html`, too, and is no photo. */
function looksLikePhoto(transfer: DataTransfer | null): boolean {
  return !!transfer && ['Files', 'text/uri-list'].some((type) => transfer.types.includes(type));
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea');
}
