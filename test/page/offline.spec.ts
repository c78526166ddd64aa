/**
 * The second visit needs no network: the page is kept by its service worker, the model by the library. What other apps share with
 * the page stays on this machine.
 */
import { JET, OWL } from './photos.ts';
import { teach } from './things.ts';
import { expect, test } from './visit.ts';

test.use({ serviceWorkers: 'allow', complaints: /Failed to load resource/ });

test('the second visit works offline, own things too; a new page is seen as soon as there is a network', async ({
  visit,
  site,
}) => {
  await visit.arriveReady();
  await visit.page.evaluate(() => navigator.serviceWorker.ready);
  site.lose('');
  await visit.page.reload();
  await visit.ready();
  await visit.picker.setInputFiles([OWL]);
  await visit.expectAnswer('owl.jpg');
  await visit.sample('German shepherd').click();
  await visit.expectAnswer('dog.jpg');
  await teach(visit);
  await expect(visit.verdict).toHaveText('animal');

  site.heal();
  site.change('index.html', (bytes) => Buffer.from(bytes.toString().replace('What is in your photo?', 'A new page')));
  await visit.page.reload();
  await expect(visit.page).toHaveTitle('A new page');
});

test('photos that another app shares come to the page, and to no server', async ({ visit, site }) => {
  // As the manifest says that it is done.
  const form = `<form action="share" method="post" enctype="multipart/form-data">
    <input type="file" name="photos" multiple><button>Share</button></form>`;
  site.add('another-app.html', Buffer.from(form));
  await visit.arriveReady();
  await visit.page.evaluate(() => navigator.serviceWorker.ready);
  await visit.page.goto(`${site.url}another-app.html`);
  await visit.page.locator('input').setInputFiles([OWL, JET]);
  await visit.page.getByRole('button', { name: 'Share' }).click();
  await expect(visit.tiles).toHaveCount(2);
  await visit.expectAnswer('owl.jpg');
  expect(visit.page.url()).toBe(site.url);
  await visit.page.reload();
  await visit.expectAnswer('dog.jpg');
});
