/**
 * The classification page. Photos come in (`intake/`), wait in the store (`state/`), are looked at (`engine/`), and are
 * shown with their answers (`views/`).
 */
import { effect } from '@preact/signals-core';
import { hasEmbeddedModel, load, whenReady } from './engine/model.ts';
import { enqueue, work } from './engine/photo-queue.ts';
import { onDrop, onPaste, onPasteButton, onPick, onPickFolder, onSample } from './intake/intake.ts';
import { cardOf } from './state/catalogue.ts';
import { selectedId } from './state/items.ts';
import { live } from './state/live.ts';
import { model } from './state/model.ts';
import { notify } from './state/notices.ts';
import { modelAddress, secondAddress } from './state/settings.ts';
import { hasLabels } from './state/verdict.ts';
import { format, preferredLanguage, speak, text } from './text/language.ts';
import { askView, fetchPanels } from './views/ask.ts';
import { stripView, watchEnd } from './views/filmstrip.ts';
import { modelView } from './views/model.ts';
import { mount } from './views/mount.ts';
import { stageView } from './views/stage.ts';
import { toastView } from './views/toast.ts';

/** On the stage until somebody brings a photo: answered as soon as the model is ready. */
const WELCOME = 'samples/dog.jpg';

/** A GPU that is started has no time for the first picture; where there is none to come, nobody waits for it. */
function whenPainted(begin: () => void): void {
  const timer = setTimeout(begin, document.hidden ? 0 : LATEST_MS);
  new PerformanceObserver((_, observer) => {
    observer.disconnect();
    clearTimeout(timer);
    begin();
  }).observe({ type: 'paint', buffered: true });
}

const LATEST_MS = 1000;

const part = <T extends HTMLElement>(id: string) => document.querySelector<T>(`#${id}`)!;

if (preferredLanguage() !== 'en') speak(preferredLanguage());

enqueue([{ name: 'dog.jpg', file: null, url: WELCOME }], { isWelcome: true });
whenReady(() => {
  work();
  fetchPanels();
});
mount(part('stage'), stageView);
mount(part('engine'), modelView);
mount(part('ask'), askView);
mount(part('strip'), stripView);
mount(part('toasts'), toastView);
watchEnd(part('strip'));
effect(() => {
  const known = part('knows');
  if (!hasEmbeddedModel() && model.value.state !== 'ready') known.classList.add('unknown');
  if (model.value.state !== 'ready') return;
  const { info } = model.value;
  const { labels, problemType } = info;
  if (!hasLabels(info)) known.textContent = text().knowsNothing;
  else
    known.textContent =
      problemType === 'regression' ? text().measures(labels, format()) : text().knows(labels, format());
  known.classList.remove('unknown');
});

onDrop();
onPaste();
onPick(part('files'));
onPickFolder(part('folder'));
onPasteButton(part('paste'));
onSample(part('samples'));
part('code').addEventListener('click', async () => (await import('./views/code.ts')).openCode());
part('models').addEventListener('click', async () => (await import('./views/models.ts')).openModels());
part('share').addEventListener('click', async () => (await import('./export/share.ts')).share());
part('settings').addEventListener('click', async () => (await import('./views/settings.ts')).openSettings());
part('camera').addEventListener('click', async () => (await import('./engine/camera.ts')).openCamera());
part('screen').addEventListener('click', async () => (await import('./engine/camera.ts')).openScreen());
// Only secure pages get one. Hidden where there is none, and not shown where there is: nothing may jump.
part('camera').hidden = !navigator.mediaDevices;
part('screen').hidden = !navigator.mediaDevices?.getDisplayMedia;
// The first model first.
effect(() => {
  if (secondAddress.value === null || model.value.state !== 'ready') return;
  import('./engine/compare.ts').then(
    ({ keepComparing }) => keepComparing(),
    () => notify(text().nothing.notLoaded),
  );
});
effect(() => {
  const card = cardOf(modelAddress.value);
  part('model-card').hidden = card === null || !(hasEmbeddedModel() || modelAddress.value);
  if (card) part<HTMLAnchorElement>('model-card').href = card;
});
// A photo that comes is what somebody wants to see now.
effect(() => {
  if (selectedId.value !== null) live.peek()?.stop();
});
whenPainted(load);
if (new URLSearchParams(location.search).has('shared'))
  import('./intake/shared.ts').then(({ takeShared }) => takeShared());
if (import.meta.env.PROD && navigator.serviceWorker) {
  // It fetches all that a visit without a network needs: not beside the model, which somebody waits for. Without it the page works
  // all the same.
  const stop = effect(() => {
    if (model.value.state === 'loading') return;
    queueMicrotask(() => stop());
    navigator.serviceWorker.register('service-worker.js').catch(() => {});
  });
}
