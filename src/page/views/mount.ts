/**
 * Keeps a part of the page as the state has it: draws it once at once, and again with the next frame after anything that
 * it read has changed, however often.
 */
import { effect } from '@preact/signals-core';
import { render } from 'lit-html';

export function mount(root: HTMLElement, template: () => unknown): void {
  root.replaceChildren();
  draw(root, template);
}

function draw(root: HTMLElement, template: () => unknown): void {
  let isDrawn = false;
  const stop = effect(() => {
    if (!isDrawn) {
      keepFocus(root, () => render(template(), root));
      isDrawn = true;
    } else {
      requestAnimationFrame(() => {
        stop();
        draw(root, template);
      });
    }
  });
}

/** Where a button goes away under the keyboard's focus, its part of the page has that: not the top of the page. */
function keepFocus(root: HTMLElement, change: () => void): void {
  const focused = document.activeElement;
  const had = root.contains(focused);
  change();
  if (!had || focused!.isConnected) return;
  root.tabIndex = -1;
  root.focus({ preventScroll: true });
}
