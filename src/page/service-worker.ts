/**
 * Keeps this page's own files for a visit without a network. Models are not its business: the library keeps them.
 */
/** What the build found, put in front of this file. */
declare const SHELL: { version: string; files: string[] };

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
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  // The page itself is asked for anew as long as there is a network, so that a new version is seen at once.
  if (request.mode === 'navigate') {
    event.respondWith(
      fetch(request).catch(async () => (await caches.match('./', { ignoreSearch: true })) ?? Response.error()),
    );
  } else if (SHELL_URLS.has(url.href)) {
    event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
  }
});
