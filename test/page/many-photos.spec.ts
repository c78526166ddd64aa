/**
 * Many photos: tiles, the count, order and choice, what can be taken away, and that the page stays smooth.
 */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { CUP, drop, JET, OWL } from './photos.ts';
import { test as alone, expect, shareVisit } from './visit.ts';

const test = shareVisit();

const FOUR = [OWL, CUP, JET, 'public/samples/dog.jpg'];

test('tiles are counted, chosen, put in order, removed and cleared', async ({ visit }) => {
  await drop(visit.page, FOUR);
  await expect(visit.strip.getByRole('heading')).toHaveText('4 photos: 3 sure, 1 not');
  await visit.strip.getByLabel('Show').selectOption('unsure');
  await expect(visit.tiles).toHaveText([/cup\.jpg:\s+Not sure/]);
  await visit.strip.getByLabel('Show').selectOption('failed');
  await expect(visit.strip).toContainText('No photo is like that.');
  await visit.strip.getByLabel('Show').selectOption('all');
  await visit.strip.getByLabel('Order').selectOption('name');
  await expect(visit.tiles).toHaveText([/cup/, /dog/, /jet/, /owl/]);
  await visit.strip.getByLabel('Order').selectOption('label');
  await expect(visit.tiles.first()).toHaveText(/airplane/);
  await visit.strip.getByLabel('Order').selectOption('newest');
  await expect(visit.tiles).toHaveText([/owl/, /cup/, /jet/, /dog/]);

  await visit.tile('owl.jpg').focus();
  await visit.page.keyboard.press('Delete');
  await expect(visit.tiles).toHaveCount(3);
  await expect(visit.tiles.locator(':focus-visible').or(visit.page.locator('.tile:focus'))).toHaveCount(1);
  await visit.show('dog.jpg');
  await visit.stage.getByRole('button', { name: 'Remove' }).click();
  await expect(visit.tiles).toHaveCount(2);
  await visit.strip.getByRole('button', { name: 'Clear' }).press('Enter');
  await expect(visit.strip, 'the keyboard goes on where the button was').toBeFocused();
  await expect(visit.tiles).toHaveCount(0);
  await expect(visit.stage).toContainText('Your photo comes here');
});

test('arrows walk through the tiles', async ({ visit }) => {
  await drop(visit.page, FOUR);
  await visit.tile('owl.jpg').focus();
  await visit.page.keyboard.press('ArrowRight');
  await expect(visit.tile('cup.jpg')).toBeFocused();
  await visit.page.keyboard.press('Enter');
  await visit.expectAnswer('cup.jpg');
  for (let left = 3; left > 0; left--) {
    await visit.page.keyboard.press('Delete');
    await expect(visit.tiles).toHaveCount(left);
  }
  await expect(visit.strip, 'one photo has no tile to see, and the keyboard goes on from there').toBeFocused();
});

test('answers are taken away as a table and as JSON', async ({ visit, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await drop(visit.page, [OWL, JET]);
  await expect(visit.strip.getByRole('heading')).toHaveText('2 photos: 2 sure, 0 not');
  const csv = await save('CSV');
  const json = await save('JSON');
  const lines = csv.trim().split('\r\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/^file,state,sure,label 1,score 1,.*,run ms,model$/);
  expect(lines[1]).toMatch(/^owl\.jpg,sure,true,bird,0\.\d+,.*,vit-cifar10$/);
  const answers = JSON.parse(json);
  expect(answers[1]).toMatchObject({ file: 'jet.jpg', state: 'sure', sure: true, model: 'vit-cifar10' });
  expect(answers[1].labels[0]).toEqual({ label: 'airplane', score: expect.any(Number) });
  expect(answers[1].milliseconds.run).toBeGreaterThan(0);
  await visit.strip.getByRole('button', { name: 'Copy' }).click();
  await expect(visit.toast).toContainText('on the clipboard');
  const copied = await visit.page.evaluate(() => navigator.clipboard.readText());
  expect(copied.split('\n')[1]).toMatch(/^owl\.jpg\tsure\ttrue\tbird\t/);

  async function save(name: string): Promise<string> {
    const download = visit.page.waitForEvent('download', (it) => it.suggestedFilename().endsWith(name.toLowerCase()));
    await visit.strip.getByRole('button', { name, exact: true }).click();
    return readFileSync(await (await download).path(), 'utf8');
  }
});

test('photos that wait are computed together', async ({ visit }, info) => {
  const asked = await visit.overhear('runImages');
  await drop(visit.page, copies(info.outputPath('many'), 24));
  await expect(visit.strip.getByRole('heading')).toHaveText(/^24 photos: \d+ sure, \d+ not$/);
  await expect(visit.announcements).toContainText(/24 photos: \d+ sure/);
  await expect(visit.announcements, 'of many photos only the sum is read out').not.toContainText('07.jpg:');
  const runs = (await asked()).map(({ count }) => count);
  expect(Math.max(...runs), `pictures per run: ${runs}`).toBeGreaterThan(1);
});

alone('a large drop shows how far it is, and can be stopped', async ({ visit, site }, info) => {
  await visit.beforehand(slowDown);
  site.hold('.bin');
  await visit.arrive();
  await drop(visit.page, copies(info.outputPath('many'), 70));
  await expect(visit.strip.getByRole('heading')).toHaveText('70 photos: 0 sure, 0 not');
  await expect(visit.tiles, 'tiles are made as they come in sight').toHaveCount(30);
  await expect(visit.tiles.locator('img')).toHaveCount(30);
  // One is the photo on the stage.
  expect(await visit.page.evaluate(() => globalThis.watched.urls.size), 'and so are thumbnails').toBe(31);
  await expect(async () => {
    await visit.page.mouse.wheel(0, 300);
    await expect(visit.tiles).toHaveCount(70, { timeout: 100 });
  }).toPass();
  site.heal();
  await visit.page.evaluate(() => scrollTo(0, 0));
  await expect(visit.strip.getByText(/^[1-9]\d* of 70, about .+ left$/)).toBeVisible();
  await visit.strip.getByRole('button', { name: 'Stop' }).click();
  await expect(visit.toast).toContainText(/Stopped: \d+ photos not looked at\./);
  await expect(visit.strip.getByRole('button', { name: 'Stop' })).toBeHidden();
  await expect(visit.strip.getByRole('heading')).toHaveText(/^\d+ photos: /);
  expect(await visit.tiles.count()).toBeLessThan(70);
});

test('tiles are small pictures of their own, decoded beside the page', async ({ visit }) => {
  await drop(visit.page, [OWL, JET]);
  const picture = visit.tile('owl.jpg').locator('img');
  await expect(picture).toHaveJSProperty('naturalWidth', 240);
  await expect(picture).toHaveJSProperty('decoding', 'async');
  await expect(visit.stage.locator('img')).toHaveJSProperty('decoding', 'async');
});

/** Runs in the page. Each batch takes a second more, so that there is something to stop. */
function slowDown(): void {
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (message: { path?: string[] }, ...rest: never[]) {
    if (message?.path?.[0] !== 'runImages') return postMessage.call(this, message, ...rest);
    setTimeout(() => postMessage.call(this, message, ...rest), 1000);
  };
}

/** Photos of different names. */
function copies(folder: string, count: number): string[] {
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: count }, (_, i) => {
    const path = `${folder}/${`${i}`.padStart(2, '0')}.jpg`;
    copyFileSync(FOUR[i % FOUR.length], path);
    return path;
  });
}
