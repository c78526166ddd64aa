/**
 * The second visit needs no network: the page is kept by its service worker, the model by the library.
 */
import { OWL } from './photos.ts';
import { expect, test } from './visit.ts';

test.use({ serviceWorkers: 'allow', complaints: /Failed to load resource/ });

test('the second visit works offline', async ({ visit, site }) => {
  await visit.arriveReady();
  await visit.page.evaluate(() => navigator.serviceWorker.ready);
  site.lose('');
  await visit.page.reload();
  await visit.ready();
  await visit.picker.setInputFiles([OWL]);
  await visit.expectAnswer('owl.jpg');
  await visit.sample('German shepherd').click();
  await visit.expectAnswer('dog.jpg');
});

test('a new page is seen as soon as there is a network', async ({ visit, site }) => {
  await visit.arriveReady();
  await visit.page.evaluate(() => navigator.serviceWorker.ready);
  site.change('index.html', (bytes) => Buffer.from(bytes.toString().replace('What is in your photo?', 'A new page')));
  await visit.page.reload();
  await expect(visit.page).toHaveTitle('A new page');
});
