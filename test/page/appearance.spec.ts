/**
 * Six states of the page as pictures, compared with those in `appearance/`: what moved, or has another colour, is seen. Every
 * letter is the same box and every photo grey, so that they are the same on every machine. After a change that is meant:
 * `npx playwright test --project=page appearance --update-snapshots`, and look at them.
 */
import { readFileSync } from 'node:fs';
import { CUP, JET, OWL } from './photos.ts';
import { type Site, STRICT } from './site.ts';
import { test as alone, expect, shareVisit, type Visit } from './visit.ts';

const FONT = readFileSync(new URL('../fixtures/box.ttf', import.meta.url));

const PLAIN = `
@font-face { font-family: box; src: url(../box.ttf); }
* { font-family: box !important; transition: none !important; }
img { filter: brightness(0) opacity(0.3); }
/* What another machine says otherwise, and a model that was trained longer. */
.times, .engine-detail, select, .scores li > *, .caption { visibility: hidden !important; }
progress { opacity: 0; }
`;

function dress(site: Site): void {
  site.headers = { 'content-security-policy': `${STRICT}; font-src 'self'` };
  site.add('box.ttf', FONT);
  site.change('.css', (bytes) => Buffer.concat([bytes, Buffer.from(PLAIN)]));
}

const test = shareVisit(async (visit) => {
  dress(visit.site);
  await visit.arriveReady('?backend=cpu');
});

test.use({ movesThings: true, viewport: { width: 1000, height: 760 } });

/** A shifted edge of the stage is more than this. */
async function expectSame({ page }: Visit, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  // The pointer is over nothing.
  await page.mouse.move(0, 0);
  await expect(page).toHaveScreenshot(`${name}.png`, { maxDiffPixelRatio: 0.002 });
}

alone('loading', async ({ visit, site }) => {
  dress(site);
  site.hold('.bin');
  await visit.arrive('?backend=cpu');
  await expect(visit.model).toContainText('Downloading the model');
  await expectSame(visit, 'loading');
  site.heal();
  await visit.ready();
});

test('models', async ({ visit }) => {
  // Behind it is the photo that the page begins with.
  await visit.open('Models');
  await expectSame(visit, 'models');
});

test('sure', async ({ visit }) => {
  await visit.picker.setInputFiles([OWL]);
  await visit.expectAnswer('owl.jpg');
  await expectSame(visit, 'sure');
});

test('not sure, and offered another model', async ({ visit }) => {
  await visit.picker.setInputFiles([CUP]);
  await expect(visit.stage.locator('.offer')).toBeVisible();
  await expectSame(visit, 'unsure');
});

test('several, dark', async ({ visit }) => {
  await visit.page.emulateMedia({ colorScheme: 'dark' });
  await visit.picker.setInputFiles([OWL, CUP, JET]);
  await expect(visit.strip.getByRole('heading')).toHaveText(/^3 photos: \d sure, \d not$/);
  await expect(visit.tiles.locator('img')).toHaveCount(3);
  await visit.strip.scrollIntoViewIfNeeded();
  await visit.page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await expectSame(visit, 'several');
});

test.describe(() => {
  test.use({ viewport: { width: 390, height: 844 } });

  test('a phone', async ({ visit }) => {
    await visit.picker.setInputFiles([OWL]);
    await visit.expectAnswer('owl.jpg');
    await expectSame(visit, 'phone');
  });
});
