/**
 * The ways by which photos come to the page, and what comes that is none.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { CUP, drag, drop, dropFile, dropMarkup, JET, OWL, truncated, turned } from './photos.ts';
import { Site } from './site.ts';
import { expect, expectAnswer, test } from './visit.ts';

test('a photo dropped anywhere is answered', async ({ visit }) => {
  await visit.arriveReady();
  const release = await drag(visit.page, [OWL]);
  await expect(visit.page.getByText('Let go')).toBeVisible();
  await release();
  await expect(visit.page.getByText('Let go')).toBeHidden();
  await expectAnswer(visit.card('owl.jpg'));
  await expect(visit.card('owl.jpg').locator('.verdict')).toHaveText('bird');
  await expect(visit.card('owl.jpg').getByRole('img', { name: 'owl.jpg' })).toBeVisible();
  await expect(visit.announcements).toContainText(/owl\.jpg: bird \d\d\.\d%, [a-z]+ \d+\.\d%/);
});

test('several files become a list, each with its own answer or its own error', async ({ visit }, info) => {
  const notes = info.outputPath('notes.txt');
  const empty = info.outputPath('empty.jpg');
  const folder = info.outputPath('holiday');
  writeFileSync(notes, 'Buy milk.');
  writeFileSync(empty, '');
  mkdirSync(folder);
  await visit.arriveReady();
  await drop(visit.page, [OWL, notes, empty, truncated(info.outputPath('torn.jpg')), folder, JET]);

  await expect(visit.cards.getByRole('heading')).toHaveText([
    'owl.jpg',
    'notes.txt',
    'empty.jpg',
    'torn.jpg',
    'holiday',
    'jet.jpg',
  ]);
  await expectAnswer(visit.card('owl.jpg'));
  // After the errors: the engine goes on.
  await expectAnswer(visit.card('jet.jpg'));
  const sentences = {
    'notes.txt': /^Not an image“notes.txt” holds something else\. Give a photo/,
    'empty.jpg': /^An empty file“empty.jpg” has nothing in it/,
    'torn.jpg': /^Cannot be read“torn.jpg” is damaged or cut off/,
    holiday: /^A folder“holiday” is a folder\. Open it/,
  };
  for (const [name, sentence] of Object.entries(sentences)) {
    await expect(visit.card(name).locator('.verdict, .note')).toHaveText([/./, /./]);
    const words = (await visit.card(name).locator('.verdict, .note').allTextContents()).join('');
    expect(words).toMatch(sentence);
    await expect(visit.announcements).toContainText(words.replace('“', '. “'));
  }
});

test('a second drop comes after the first, in sight', async ({ visit }) => {
  await visit.arriveReady();
  await drop(visit.page, [OWL, CUP, JET]);
  await drop(visit.page, [OWL]);
  await expect(visit.cards).toHaveCount(4);
  await expect(visit.cards.last()).toBeInViewport({ ratio: 0.99 });
  await expectAnswer(visit.cards.last());
});

test('a copied picture is pasted with the keyboard', async ({ visit, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await visit.arriveReady();
  await visit.page.evaluate(async () => {
    const canvas = new OffscreenCanvas(64, 64);
    const pen = canvas.getContext('2d')!;
    pen.fillStyle = 'tomato';
    pen.fillRect(8, 8, 40, 20);
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': await canvas.convertToBlob() })]);
  });
  await visit.page.keyboard.press('Control+V');
  await expectAnswer(visit.card('image.png'));
});

test('pasting words says that there is no image', async ({ visit, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await visit.arriveReady();
  await visit.page.evaluate(() => navigator.clipboard.writeText('just words'));
  await visit.page.keyboard.press('Control+V');
  await expect(visit.announcements).toContainText('There is no image on the clipboard.');
  await expect(visit.cards).toHaveCount(0);
});

test('files are picked, and the same one again', async ({ visit }) => {
  await visit.arriveReady();
  await visit.picker.setInputFiles([JET, CUP]);
  await expectAnswer(visit.card('cup.jpg'));
  // A picker that keeps its files does not report the same ones again.
  await expect(visit.picker).toHaveJSProperty('files.length', 0);
  await visit.picker.setInputFiles([JET]);
  await expect(visit.card('jet.jpg')).toHaveCount(2);
  await expectAnswer(visit.card('jet.jpg').last());
});

test('samples are chosen with the keyboard alone', async ({ visit }) => {
  await visit.arriveReady();
  await visit.page.keyboard.press('Tab');
  await expect(visit.picker).toBeFocused();
  await visit.page.keyboard.press('Tab');
  await visit.page.keyboard.press('Tab');
  await expect(visit.sample('German shepherd')).toBeFocused();
  const outline = await visit.sample('German shepherd').evaluate((button) => getComputedStyle(button).outlineStyle);
  expect(outline, 'the focus can be seen').toBe('solid');
  await visit.page.keyboard.press('Enter');
  await expectAnswer(visit.card('dog.jpg'));
  await expect(visit.sample('German shepherd')).toBeFocused();
  await visit.page.keyboard.press('Tab');
  await visit.page.keyboard.press('Space');
  await expectAnswer(visit.card('owl.jpg'));
});

test('a photo that lies on its side is shown upright', async ({ visit }, info) => {
  await visit.arriveReady();
  await drop(visit.page, [turned(info.outputPath('turned.jpg'))]);
  const image = visit.card('turned.jpg').getByRole('img');
  await expectAnswer(visit.card('turned.jpg'));
  const { width, height } = (await image.boundingBox())!;
  expect(width / height).toBeCloseTo(420 / 560, 1);
});

test('a file name is never read as markup', async ({ visit }) => {
  await visit.arriveReady();
  const name = '<img src=x onerror=alert(1)><b>bold.jpg';
  await dropFile(visit.page, OWL, name);
  await dropFile(visit.page, OWL, `${name}.txt`, 'text/plain');
  await expectAnswer(visit.card(name));
  await expect(visit.cards.locator('b')).toHaveCount(0);
  await expect(visit.card(`${name}.txt`)).toContainText(`“${name}.txt” holds something else.`);
});

test.describe('a picture of another page', () => {
  let other: Site;
  test.use({
    guests: async ({ site: _ }, use) => {
      other = await new Site().start();
      await use([other.origin]);
      other.stop();
    },
    complaints: /CORS policy|Failed to load resource/,
  });

  test('is fetched where that page allows it', async ({ visit, site }) => {
    site.headers = {};
    other.headers = { 'access-control-allow-origin': '*' };
    await visit.arriveReady();
    await dropMarkup(visit.page, `<meta charset="utf-8"><img src="${other.url}samples/owl.jpg" alt="owl">`);
    await expectAnswer(visit.card('owl.jpg'));
  });

  test('is explained where that page does not', async ({ visit, site }) => {
    site.headers = {};
    other.headers = {};
    await visit.arriveReady();
    await dropMarkup(visit.page, `<img src="${other.url}samples/owl.jpg">`);
    await expect(visit.card('owl.jpg')).toContainText('localhost does not let other pages read this photo');
    await dropMarkup(visit.page, `<img src="${site.url}samples/gone.jpg">`);
    await expect(visit.card('gone.jpg')).toContainText('did not hand the photo out (HTTP 404)');
    await visit.sample('Owl').click();
    await expectAnswer(visit.card('owl.jpg').last());
  });
});
