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

/** Where what has the keyboard's focus goes away, its part of the page gets that: not the top of the page. */
function keepFocus(root: HTMLElement, change: () => void): void {
  const focused = document.activeElement;
  const had = root.contains(focused);
  change();
  // Removed, or hidden.
  if (!had || focused!.getClientRects().length > 0) return;
  root.tabIndex = -1;
  root.focus({ preventScroll: true });
}
