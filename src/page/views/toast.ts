/**
 * A sentence that comes up and goes by itself. Screen readers have it from the log.
 */
import { html, nothing } from 'lit-html';
import { toast } from '../state/notices.ts';
import { text } from '../text/language.ts';

export function toastView(): unknown {
  if (toast.value === null) return nothing;
  const close = () => {
    toast.value = null;
  };
  return html`
    <aside class="toast">
      <span>${toast.value}</span>
      <button type="button" aria-label=${text().nothing.close} @click=${close}>×</button>
    </aside>`;
}
