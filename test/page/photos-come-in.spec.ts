/**
 * The ways by which photos come to the page, and what comes that is none.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { CUP, drag, drop, dropFile, dropMarkup, JET, OWL, truncated, turned } from './photos.ts';
import { Site } from './site.ts';
import { test as alone, expect, shareVisit } from './visit.ts';

const test = shareVisit();

test('a photo dropped anywhere is answered', async ({ visit }) => {
  const release = await drag(visit.page, [OWL]);
  await expect(visit.page.getByText('Let go')).toBeVisible();
  await release();
  await expect(visit.page.getByText('Let go')).toBeHidden();
  await visit.expectAnswer('owl.jpg');
  await expect(visit.verdict, 'the heading is the answer').toHaveText('bird');
  await expect(visit.stage.getByRole('img', { name: 'owl.jpg' })).toBeVisible();
  await expect(visit.announcements).toContainText(/owl\.jpg: bird \d\d\.\d%\./);
});

test('a drag that goes elsewhere leaves nothing behind', async ({ visit }) => {
  await drag(visit.page, [OWL]);
  await expect(visit.page.getByText('Let go')).toBeVisible();
  // Escape, pressed over the desktop's file: the page hears no more of it.
  await expect(visit.page.getByText('Let go')).toBeHidden();
});

test('what is dragged from the page itself, and selected text, are no photos', async ({ visit }) => {
  const isVeiled = await visit.page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.setData('text/html', '<p style="color: red">Some words</p>');
    dataTransfer.setData('text/plain', 'Some words');
    const send = (type: string) =>
      document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
    send('dragover');
    const elsewhere = document.documentElement.hasAttribute('data-dragging');
    send('drop');
    dataTransfer.setData('text/uri-list', location.href);
    send('dragstart');
    send('dragover');
    const own = document.documentElement.hasAttribute('data-dragging');
    send('dragend');
    return [elsewhere, own];
  });
  expect(isVeiled).toEqual([false, false]);
  await expect(visit.toast, 'and it is said that nothing happened').toContainText(
    'There was no image in what you dropped.',
  );
});

test('several files become tiles, each with its own answer or its own error', async ({ visit }, info) => {
  const notes = info.outputPath('notes.txt');
  const empty = info.outputPath('empty.jpg');
  writeFileSync(notes, 'Buy milk.');
  writeFileSync(empty, '');
  await drop(visit.page, [OWL, notes, empty, truncated(info.outputPath('torn.jpg')), JET]);

  await expect(visit.tiles).toHaveText([
    /owl\.jpg:\s+bird \d/,
    /empty\.jpg:\s+An empty file/,
    /torn\.jpg:\s+Cannot be read/,
    /jet\.jpg:\s+airplane \d/,
  ]);
  await visit.expectAnswer('owl.jpg');
  // After the errors: the engine goes on.
  await visit.expectAnswer('jet.jpg');
  await visit.show('torn.jpg');
  await expect(visit.verdict).toHaveText('Cannot be read');
  await expect(visit.stage).toContainText('“torn.jpg” is damaged or cut off');
  await visit.show('empty.jpg');
  await expect(visit.stage).toContainText('“empty.jpg” has nothing in it');
  await visit.strip.getByText('1 file left out').click();
  await expect(visit.strip).toContainText('“notes.txt” holds something else. Give a photo');
  for (const words of ['“notes.txt” holds something else. Give a photo', '“empty.jpg” has nothing in it'])
    await expect(visit.announcements).toContainText(words);
});

test('a folder is opened, with all that lies below it', async ({ visit }, info) => {
  const holiday = info.outputPath('holiday');
  mkdirSync(`${holiday}/beach`, { recursive: true });
  mkdirSync(info.outputPath('bare'));
  for (const [path, photo] of Object.entries({ 'beach/2.jpg': OWL, 'beach/10.jpg': CUP, 'a.jpg': JET })) {
    writeFileSync(`${holiday}/${path}`, readFileSync(photo));
  }
  writeFileSync(`${holiday}/.DS_Store`, 'x');
  writeFileSync(`${holiday}/notes.txt`, 'x');
  await drop(visit.page, [holiday]);
  await expect(visit.tiles).toHaveText([/^\s*a\.jpg:/, /^\s*2\.jpg:/, /^\s*10\.jpg:/]);
  await expect(visit.strip.getByRole('heading')).toHaveText('3 photos: 2 sure, 1 not');
  await expect(visit.strip).not.toContainText('left out');
  await drop(visit.page, [info.outputPath('bare')]);
  await expect(visit.toast).toContainText('There is no photo in “bare”.');
});

test('a second drop comes first, and is on the stage; who reads further down is left there', async ({ visit }) => {
  await drop(visit.page, [OWL, CUP, JET]);
  await expect(visit.tiles).toHaveCount(3);
  await visit.page.evaluate(() => {
    document.body.style.minBlockSize = '3000px';
    scrollTo(0, 400);
  });
  await drop(visit.page, [CUP, OWL]);
  await expect(visit.tiles).toHaveCount(5);
  await visit.expectAnswer('cup.jpg');
  expect(await visit.page.evaluate(() => scrollY)).toBe(400);
});

test('a copied picture is pasted with the keyboard, and with the button', async ({ visit, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await visit.page.evaluate(async () => {
    const canvas = new OffscreenCanvas(64, 64);
    const pen = canvas.getContext('2d')!;
    pen.fillStyle = 'tomato';
    pen.fillRect(8, 8, 40, 20);
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': await canvas.convertToBlob() })]);
  });
  await visit.page.keyboard.press('Control+V');
  await visit.expectAnswer('image.png');
  await visit.page.getByRole('button', { name: 'Paste' }).click();
  await expect(visit.tiles).toHaveCount(2);
});

test('pasting words says that there is no image', async ({ visit, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await visit.page.evaluate(() => navigator.clipboard.writeText('just words'));
  await visit.page.keyboard.press('Control+V');
  await expect(visit.toast).toContainText('There is no image on the clipboard.');
  await expect(visit.announcements).toContainText('There is no image on the clipboard.');
});

test('files are picked, and the same one again', async ({ visit }) => {
  await visit.picker.setInputFiles([JET, CUP]);
  await visit.expectAnswer('cup.jpg');
  // A picker that keeps its files does not report the same ones again.
  await expect(visit.picker).toHaveJSProperty('files.length', 0);
  await visit.picker.setInputFiles([JET]);
  await expect(visit.tile('jet.jpg')).toHaveCount(2);
  await visit.expectAnswer('jet.jpg');
});

test('samples are chosen with the keyboard alone', async ({ visit }) => {
  await visit.sample('Kitten').focus();
  await visit.page.keyboard.press('Tab');
  await expect(visit.sample('German shepherd')).toBeFocused();
  const outline = await visit.sample('German shepherd').evaluate((button) => getComputedStyle(button).outlineStyle);
  expect(outline, 'the focus can be seen').toBe('solid');
  await visit.page.keyboard.press('Enter');
  await visit.expectAnswer('dog.jpg');
  await expect(visit.sample('German shepherd')).toBeFocused();
  await visit.page.keyboard.press('Tab');
  await visit.page.keyboard.press('Space');
  await visit.expectAnswer('owl.jpg');
});

test('a photo that lies on its side is shown upright', async ({ visit }, info) => {
  await drop(visit.page, [turned(info.outputPath('turned.jpg'))]);
  await visit.expectAnswer('turned.jpg');
  const { width, height } = (await visit.stage.getByRole('img', { name: 'turned.jpg' }).boundingBox())!;
  expect(width / height).toBeCloseTo(420 / 560, 1);
});

test('a file name is never read as markup', async ({ visit }) => {
  const name = '<img src=x onerror=alert(1)><b>bold.jpg';
  await dropFile(visit.page, OWL, name);
  await dropFile(visit.page, OWL, `${name}.txt`, 'text/plain');
  await expect(visit.toast).toContainText(`“${name}.txt” holds something else.`);
  await visit.expectAnswer(name);
  await expect(visit.page.locator('b')).toHaveCount(0);
});

test('a drawing, and photos that browsers do not open, are called what they are', async ({ visit }) => {
  for (const [name, type, sentence] of [
    ['drawing.svg', 'image/svg+xml', 'is an SVG drawing, which has no pixels. Save it as PNG'],
    ['phone.HEIC', '', 'is a HEIC file, which this browser does not open. Save it as JPEG'],
    ['scan.tif', 'image/tiff', 'is a TIFF file, which this browser does not open. Save it as JPEG'],
  ]) {
    await dropFile(visit.page, 'package.json', name, type);
    await expect(visit.page.locator('.toast, .stage .note').filter({ hasText: sentence })).toBeVisible();
  }
});

test.describe('a sample that does not come', () => {
  test.use({ complaints: /Failed to load resource/ });

  test('is not the fault of another page', async ({ visit, site }) => {
    site.lose('samples/jet.jpg');
    await visit.sample('Jet').click();
    await expect(visit.stage).toContainText('This sample could not be downloaded. Check the connection');
  });
});

alone.describe('a picture of another page', () => {
  let other: Site;
  alone.use({
    guests: async ({ site: _ }, use) => {
      other = await new Site().start();
      await use([other.origin]);
      other.stop();
    },
    complaints: /CORS policy|Failed to load resource/,
  });

  alone('is fetched where that page allows it, and explained where it does not', async ({ visit, site }) => {
    site.headers = {};
    other.headers = {};
    await visit.arriveReady();
    await dropMarkup(visit.page, `<img src="${other.url}samples/owl.jpg">`);
    await expect(visit.stage).toContainText('localhost does not let other pages read this photo');
    await dropMarkup(visit.page, `<img src="${site.url}samples/gone.jpg">`);
    await expect(visit.stage).toContainText('did not hand the photo out (HTTP 404)');
    await visit.sample('Owl').click();
    await visit.expectAnswer('owl.jpg');

    other.headers = { 'access-control-allow-origin': '*' };
    await dropMarkup(visit.page, `<meta charset="utf-8"><img src="${other.url}samples/jet.jpg" alt="jet">`);
    await visit.expectAnswer('jet.jpg');
  });
});
