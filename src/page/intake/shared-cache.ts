/** Where the service worker keeps photos that were shared, until the page takes them. The build tells it: it imports nothing. */
export const SHARED_CACHE = 'shared-photos';
