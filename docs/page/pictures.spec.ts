/**
 * Takes the pictures of the page that README and docs/page.md show: `npm run build:page`, then `npx playwright test --project=pictures`.
 */
import { CHROME_ARGS } from '../../test/harness/chrome-args.ts';
import { CUP, JET, OWL } from '../../test/page/photos.ts';
import { expect, test, type Visit } from '../../test/page/visit.ts';

const sample = (name: string) => `public/samples/${name}.jpg`;

// Nothing is asserted of what moves: these are pictures.
test.use({
  movesThings: true,
  viewport: { width: 1180, height: 860 },
  launchOptions: {
    executablePath: process.env.CHROME_PATH,
    args: [...CHROME_ARGS, '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  },
  permissions: ['camera'],
});

async function take(visit: Visit, name: string): Promise<void> {
  // Bars grow, and thumbnails come.
  await visit.page.waitForTimeout(1000);
  await visit.page.screenshot({ path: `docs/page/${name}.jpg`, type: 'jpeg', quality: 82 });
}

async function show(visit: Visit, photos: string[], sure: RegExp): Promise<void> {
  await visit.arriveReady();
  await visit.picker.setInputFiles(photos);
  await expect(visit.strip.getByRole('heading')).toHaveText(sure);
}

test('light', async ({ visit }) => {
  await show(visit, [OWL, JET, CUP, sample('dog')], /^4 photos: \d sure, \d not$/);
  await visit.show('owl.jpg');
  await take(visit, 'light');
  await visit.stage.getByText('What it sees').click();
  await expect(visit.stage.locator('canvas')).toBeVisible();
  await take(visit, 'sees');
  await visit.stage.getByText('Attention', { exact: true }).click();
  await expect(visit.stage.locator('canvas')).toBeVisible();
  await take(visit, 'attention');
  await visit.stage.getByText('Alike', { exact: true }).click();
  await expect(visit.stage.getByRole('application')).toBeVisible();
  await take(visit, 'alike');
});

test.describe(() => {
  test.use({ colorScheme: 'dark', viewport: { width: 1180, height: 1300 } });

  test('things', async ({ visit }) => {
    await show(visit, [sample('kitten'), OWL, JET, sample('dog')], /^4 photos/);
    await visit.page.getByText('Your own things').click();
    await visit.asked.getByLabel('Name of thing 1').fill('animal');
    await visit.asked.getByLabel('Add photos to animal').setInputFiles([OWL, sample('dog'), sample('kitten')]);
    await visit.asked.getByLabel('Name of thing 2').fill('machine');
    await visit.asked.getByLabel('Add photos to machine').setInputFiles([JET, sample('fire-engine')]);
    await expect(visit.tile('jet.jpg')).toHaveText(/machine/);
    await visit.page.evaluate(() => document.querySelector('#stage')!.scrollIntoView());
    await take(visit, 'things');
  });
});

test.describe(() => {
  test.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

  test('phone', async ({ visit }) => {
    await visit.arriveReady();
    await visit.picker.setInputFiles([CUP]);
    await visit.expectAnswer('cup.jpg');
    await visit.page.evaluate(() => document.querySelector('#stage')!.scrollIntoView());
    await take(visit, 'phone');
  });
});

test('camera', async ({ visit }) => {
  await visit.arriveReady();
  await visit.page.getByRole('button', { name: 'Camera' }).click();
  await expect(visit.stage).toContainText(/[\d.]+ pictures per second/);
  await take(visit, 'camera');
});
