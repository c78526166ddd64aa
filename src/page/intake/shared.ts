/**
 * Photos that another app shared with the installed page: the service worker took them, and they wait in a cache.
 */
import { text } from '../text/language.ts';
import { fromFiles } from './arrivals.ts';
import { receive } from './intake.ts';
import { SHARED_CACHE } from './shared-cache.ts';

export async function takeShared(): Promise<void> {
  const url = new URL(location.href);
  url.searchParams.delete('shared');
  history.replaceState(history.state, '', url);
  const cache = await caches.open(SHARED_CACHE);
  const files: File[] = [];
  for (const request of await cache.keys()) {
    const response = (await cache.match(request))!;
    const name = decodeURIComponent(response.headers.get('x-name')!);
    const content = await response.blob();
    files.push(new File([content], name, { type: content.type }));
  }
  await caches.delete(SHARED_CACHE);
  receive(fromFiles(files), text().nothing.dropped);
}
