/**
 * The address of this page with what was chosen: model, second model, what it runs on, how many labels. No photo is in it.
 */
import { notify } from '../state/notices.ts';
import { backend, labelCount } from '../state/settings.ts';
import { text } from '../text/language.ts';

export function shareAddress(): string {
  const url = new URL(location.href);
  const set = (name: string, value: string, usual: string) => {
    if (value === usual) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  };
  set('backend', backend.value, 'auto');
  set('labels', `${labelCount.value}`, '5');
  url.hash = '';
  return url.href;
}

/** By the system's own sheet where there is one, as on phones; else by the clipboard. */
export async function share(): Promise<void> {
  const url = shareAddress();
  if (navigator.share && matchMedia('(hover: none)').matches) {
    // Whoever closes the sheet wants nothing.
    await navigator.share({ title: document.title, url }).catch(() => {});
    return;
  }
  const isCopied = await navigator.clipboard.writeText(url).then(
    () => true,
    () => false,
  );
  notify(isCopied ? text().share.copied : text().strip.notCopied);
}
