/**
 * What lies over the photo: the crop with its grid, the exact pixels, the spotlight of attention.
 */
import { drop, OWL } from './photos.ts';
import type { Site } from './site.ts';
import { test as alone, expect, shareVisit, type Visit } from './visit.ts';

const test = shareVisit();

/** The middle of the photo, 32 x 32 of 40 x 30 pixels. */
function crop(site: Site): void {
  site.change('model.json', (bytes) => {
    const manifest = JSON.parse(bytes.toString());
    manifest.preprocess.resize = { mode: 'shortest-edge', size: 40, rounding: 'trunc' };
    return Buffer.from(JSON.stringify(manifest));
  });
}

alone('the grid lies exactly on the crop', async ({ visit, site }) => {
  crop(site);
  await visit.arriveReady();
  await drop(visit.page, [OWL]);
  await expect(visit.stage.locator('.times')).toContainText('Run');
  await visit.stage.getByText('What it sees').click();
  await expect(visit.stage).toContainText('32 × 32 pixels in 8 × 8 patches');
  const photo = (await visit.stage.locator('img').boundingBox())!;
  const cover = (await visit.stage.locator('.cover').boundingBox())!;
  // 560 x 420 becomes 53 x 40; of that 32 x 32 from (10, 4) on: (53 - 32) / 2 goes to the even neighbour.
  expect((cover.x - photo.x) / photo.width).toBeCloseTo(10 / 53, 2);
  expect((cover.y - photo.y) / photo.height).toBeCloseTo(4 / 40, 2);
  expect(cover.width / photo.width).toBeCloseTo(32 / 53, 2);
  expect(cover.height / photo.height).toBeCloseTo(32 / 40, 2);
  const canvas = visit.stage.locator('canvas');
  expect(await canvas.evaluate(({ width, height }: HTMLCanvasElement) => [width, height])).toEqual([32, 32]);
});

test('attention is a spotlight, of all layers or of one', async ({ visit }) => {
  await drop(visit.page, [OWL]);
  await expect(visit.stage.locator('.times')).toContainText('Run');
  await visit.stage.getByText('Attention', { exact: true }).click();
  await expect(visit.stage.getByText('Bright is what the answer is made from')).toBeVisible();
  const all = await darkness(visit);
  expect(all).toHaveLength(64);
  expect(Math.min(...all), 'what gets most is left as it is').toBe(0);
  expect(Math.max(...all), 'what gets least is dark').toBeGreaterThan(200);
  await visit.stage.getByLabel('Layer').selectOption('1');
  await expect.poll(() => darkness(visit)).not.toEqual(all);
  const first = await darkness(visit);
  await visit.stage.getByLabel('Head').selectOption('3');
  await expect.poll(() => darkness(visit)).not.toEqual(first);
});

test('patches that are alike are lit, for the pointer and for the keyboard', async ({ visit }) => {
  await drop(visit.page, [OWL]);
  await expect(visit.stage.locator('.times')).toContainText('Run');
  await visit.stage.getByText('Alike', { exact: true }).click();
  const cover = visit.stage.getByRole('application', { name: 'Patch 5, 5 of 8 × 8' });
  expect(await visit.faults(), 'axe finds nothing').toEqual([]);
  const middle = await darkness(visit);
  expect(middle[4 * 8 + 4], 'the patch itself is lit').toBe(0);
  expect(Math.max(...middle)).toBeGreaterThan(200);
  await cover.focus();
  for (const key of ['ArrowUp', 'ArrowUp', 'ArrowRight']) await visit.page.keyboard.press(key);
  await expect(visit.stage.getByRole('application')).toHaveAccessibleName(/^Patch 3, 6 of/);
  await expect.poll(async () => (await darkness(visit))[2 * 8 + 5]).toBe(0);
  expect(await darkness(visit)).not.toEqual(middle);
  const { x, y } = (await visit.stage.locator('.cover').boundingBox())!;
  await visit.page.mouse.move(x + 5, y + 5);
  await expect(visit.stage.getByRole('application')).toHaveAccessibleName(/^Patch 1, 1 of/);
});

/** Of every patch, from 0 on. */
function darkness(visit: Visit): Promise<number[]> {
  return visit.stage.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })!;
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    return Array.from(data).filter((_, i) => i % 4 === 3);
  });
}
