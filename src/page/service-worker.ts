/**
 * Keeps this page's own files for a visit without a network, and takes what other apps share with the installed page: photos go
 * from here to the page, and to no server. Models are not its business: the library keeps them.
 */

/** What the build found, put in front of this file. */
declare const SHELL: { version: string; files: string[]; sharedCache: string };

const worker = globalThis as unknown as {
  addEventListener(
    type: 'install' | 'activate',
    listener: (event: { waitUntil(done: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(
    type: 'fetch',
    listener: (event: { request: Request; respondWith(response: Promise<Response>): void }) => void,
  ): void;
};

/** As in the manifest. */
const SHARE_URL = new URL('share', location.href).href;

const NAME = `page-${SHELL.version}`;
const SHELL_URLS = new Set(SHELL.files.map((file) => new URL(file, location.href).href));

worker.addEventListener('install', (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll([...SHELL_URLS])));
});

worker.addEventListener('activate', (event) => {
  const isOld = (name: string) => name.startsWith('page-') && name !== NAME;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name)))));
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.method === 'POST' && url.href === SHARE_URL) return event.respondWith(keepShared(request));
  if (request.method !== 'GET') return;
  // The page itself is asked for anew as long as there is a network, so that a new version is seen at once.
  if (request.mode === 'navigate') {
    event.respondWith(
      fetch(request).catch(async () => (await caches.match('./', { ignoreSearch: true })) ?? Response.error()),
    );
  } else if (SHELL_URLS.has(url.href)) {
    event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
  }
});

async function keepShared(request: Request): Promise<Response> {
  const cache = await caches.open(SHELL.sharedCache);
  const shared = (await request.formData()).getAll('photos').filter((one) => one instanceof File);
  for (const [i, file] of shared.entries()) {
    const headers = { 'x-name': encodeURIComponent(file.name) };
    await cache.put(`shared/${Date.now()}-${i}`, new Response(file, { headers }));
  }
  return Response.redirect('./?shared', 303);
}
