/**
 * Words that are asked as they are typed, of a small CLIP; and what is said where the model knows none.
 */
import { addClip } from './models.ts';
import { drop, JET, OWL } from './photos.ts';
import { test as alone, expect, shareVisit, type Visit } from './visit.ts';

const test = shareVisit(async (visit) => visit.arriveReady(await addClip(visit.site)));

const WORDS = 'Words, one per line or with commas between them';

async function openWords(visit: Visit): Promise<void> {
  await expect(visit.verdict).toHaveText('Seen');
  await visit.asked.getByText('Your words').click();
  await expect(visit.asked.getByLabel(WORDS)).toBeVisible();
}

const scores = (visit: Visit) => visit.stage.getByRole('list', { name: 'Best labels' }).getByRole('listitem');

alone(
  'a model without labels is asked with words, and answers every photo as they are typed',
  async ({ visit, site }) => {
    await visit.arriveReady(await addClip(site));
    await expect(visit.page.locator('#knows')).toHaveText(/no labels of its own/);
    await expect(visit.stage).toContainText('ask it with words, or teach it your things');
    await visit.stage.getByRole('button', { name: 'Your words' }).click();
    await expect(visit.page.getByLabel('Your words')).toBeChecked();
    await drop(visit.page, [OWL, JET]);
    await expect(visit.tile('jet.jpg')).toHaveText(/Seen/);
    expect(await visit.faults(), 'axe finds nothing').toEqual([]);

    const status = visit.asked.getByRole('status');
    await visit.asked.getByLabel(WORDS).pressSequentially('cat');
    await expect(status).toHaveText(/One word alone always fits/);
    await visit.asked.getByLabel(WORDS).pressSequentially(', owl');
    await expect(status).toContainText('2 words asked.');
    await expect(scores(visit)).toHaveText([/^\s*(cat|owl)\s*\d+\.\d%\s*$/, /^\s*(cat|owl)\s*\d+\.\d%\s*$/]);
    await expect(visit.tile('jet.jpg')).toHaveText(/(cat|owl) \d+\.\d%|Not sure/);
    await expect(status).toContainText(/owl\.jpg: (cat|owl) \d+\.\d%, (cat|owl) \d+\.\d%/);
    const before = await scores(visit).allTextContents();
    await visit.asked.getByLabel('Sentence around each word').fill('{}');
    await expect.poll(() => scores(visit).allTextContents(), 'another sentence, other scores').not.toEqual(before);
    await visit.asked.getByLabel(WORDS).fill('cat\nowl\njet\ncat\n');
    await expect(scores(visit)).toHaveCount(3);
    expect(await visit.faults(), 'axe finds nothing').toEqual([]);

    const download = visit.page.waitForEvent('download');
    await visit.strip.getByRole('button', { name: 'CSV' }).click();
    const csv = await (await (await download).createReadStream()).toArray();
    expect(Buffer.concat(csv).toString()).toMatch(/^owl\.jpg,\w+,,(cat|owl|jet),0\.\d+.*"tiny-clip, words"\r$/m);
  },
);

test('what is typed on aborts what was asked: each word is read once, a photo is looked at once', async ({ visit }) => {
  const texts = await visit.overhear('runTexts');
  const images = await visit.overhear('runImages');
  await visit.sample('German shepherd').click();
  await openWords(visit);
  const status = visit.asked.getByRole('status');
  await visit.asked.getByLabel(WORDS).fill('cat, owl');
  await expect(status).toContainText('2 words asked.');
  // Faster than the pause: half words are not asked.
  await visit.asked.getByLabel(WORDS).pressSequentially(', jet', { delay: 20 });
  await expect(status).toContainText('3 words asked.');
  await expect(scores(visit)).toHaveCount(3);
  const sum = (asked: { count: number }[]) => asked.reduce((sum, { count }) => sum + count, 0);
  expect(sum(await texts()), `texts: ${(await texts()).map(({ count }) => count)}`).toBe(3);
  expect(sum(await images()), 'the photo on the stage').toBe(1);
});

alone('the part that reads words comes with the first of them, and is waited for', async ({ visit, site }) => {
  const query = await addClip(site);
  let fetched = 0;
  visit.page.on('request', (request) => {
    if (/clip\/(shard|tokenizer)/.test(request.url())) fetched++;
  });
  await visit.arriveReady(query);
  await openWords(visit);
  const pictures = fetched;
  site.hold('tokenizer.json');
  await visit.asked.getByLabel(WORDS).fill('cat, owl');
  await expect(visit.asked.getByRole('status')).toHaveText(/Reading the words|Downloading the part that reads words/);
  site.heal();
  await expect(scores(visit)).toHaveCount(2);
  expect(fetched, 'the text tower and its tokenizer').toBeGreaterThan(pictures + 1);
});

test('words that are refused are explained, and others go on', async ({ visit }) => {
  await visit.sample('German shepherd').click();
  await openWords(visit);
  const status = visit.asked.getByRole('status');
  await visit.asked.getByLabel(WORDS).fill('cat, hippopotamus');
  await expect(status).toContainText(/These words cannot be asked\. bad-input: The text "a hippo.*tokens/);
  await expect(visit.verdict).toHaveText('Seen');
  await visit.asked.getByLabel('Sentence around each word').fill('a photo');
  await expect(status).toHaveText(/needs \{\} where the word goes/);
  await visit.asked.getByLabel('Sentence around each word').fill('{}');
  await visit.asked.getByLabel(WORDS).fill('cat, owl');
  await expect(status).toContainText('2 words asked.');
  await visit.asked.getByLabel(WORDS).fill('');
  await expect(status).toHaveText(/Type two words or more/);
  await expect(visit.verdict).toHaveText('Seen');
});

test('a CLIP learns things of one’s own, too', async ({ visit }) => {
  await visit.sample('German shepherd').click();
  await visit.page.getByText('Your own things').click();
  await visit.asked.getByLabel('Add photos to Thing 1').setInputFiles([OWL]);
  await visit.asked.getByLabel('Add photos to Thing 2').setInputFiles([JET]);
  await expect(scores(visit)).toHaveCount(2);
});

test.describe(() => {
  test.use({ movesThings: true });

  alone('the embedded model knows no words: which do, and how one is opened', async ({ visit, site }) => {
    await visit.arriveReady();
    await visit.asked.getByText('Your words').click();
    await expect(visit.asked).toContainText('CLIP and SigLIP');
    await expect(visit.asked.getByRole('button', { name: 'Load CLIP ViT-B/32 (605.0 MB)' })).toBeVisible();
    await expect(visit.verdict, 'its own labels answer').toHaveText('dog');
    expect(await visit.faults(), 'axe finds nothing').toEqual([]);
    await addClip(site);
    await visit.asked.getByLabel('Model address').fill('clip/model.json');
    await visit.asked.getByRole('button', { name: 'Load', exact: true }).click();
    await expect(visit.page).toHaveURL(/\?model=clip%2Fmodel\.json$/);
    await expect(visit.verdict).toHaveText('Seen');
  });
});

alone('a model that reads words, but came without its tokenizer, says so', async ({ visit, site }) => {
  await visit.arriveReady(await addClip(site, { tokenizer: false }));
  await visit.asked.getByText('Your words').click();
  await expect(visit.asked).toContainText('came without its tokenizer');
});

test.describe(() => {
  test.use({ viewport: { width: 390, height: 700 } });

  test('nothing sticks out on a phone', async ({ visit }) => {
    await visit.page.emulateMedia({ colorScheme: 'dark' });
    await visit.sample('German shepherd').click();
    await openWords(visit);
    await visit.asked.getByLabel(WORDS).fill('cat, owl');
    await expect(visit.asked.getByRole('status')).toContainText('2 words asked.');
    for (const width of [390, 320]) {
      await visit.page.setViewportSize({ width, height: 700 });
      expect(await visit.page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    }
    expect(await visit.faults(), 'axe finds nothing').toEqual([]);
  });
});
