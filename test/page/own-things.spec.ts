/**
 * Things of one's own: boxes with a few photos each, answers by them, and what can be kept of it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { CUP, drag, drop, JET, OWL, truncated } from './photos.ts';
import { box, DOG, FIRE_ENGINE, KITTEN, open, teach } from './things.ts';
import { test as alone, expect, shareVisit } from './visit.ts';

const test = shareVisit();

test('a few photos in two boxes answer every photo at once, and say how well', async ({ visit }) => {
  await drop(visit.page, [OWL, JET, CUP]);
  await expect(visit.strip.getByRole('heading')).toHaveText('3 photos: 2 sure, 1 not');
  const asked = await open(visit);
  await expect(asked.getByRole('status')).toHaveText(/Nothing is learned yet/);
  await asked.getByLabel('Name of thing 1').fill('animal');
  await drop(visit.page, [OWL, DOG, KITTEN], box(asked, 'animal'));
  await expect(box(asked, 'animal').getByRole('listitem')).toHaveCount(3);
  await expect(visit.tiles, 'what is dropped on a box goes into it alone').toHaveCount(3);
  await expect(visit.verdict, 'one box distinguishes nothing').toHaveText('bird');
  await drop(visit.page, [JET, FIRE_ENGINE], box(asked, 'Thing 2'));
  await expect(visit.verdict).toHaveText('animal');
  await asked.getByLabel('Name of thing 2').fill('machine');
  await expect(visit.tile('jet.jpg')).toHaveText(/machine \d\d\.\d%/);
  await expect(visit.tile('owl.jpg')).toHaveText(/animal \d\d\.\d%/);
  await expect(asked.getByRole('status')).toContainText(
    /Learned\. Each photo left out once and named by the others: [3-5] of 5 right \(\d+\.0%\)\..*owl\.jpg: animal \d\d\.\d%, machine/s,
  );
  const scores = visit.stage.getByRole('list', { name: 'Best labels' }).getByRole('listitem');
  await expect(scores).toHaveCount(2);
  await expect(asked.locator('.examples img')).toHaveCount(5);
  expect(await visit.faults(), 'axe finds nothing').toEqual([]);

  await drop(visit.page, ['public/samples/cup.jpg', FIRE_ENGINE]);
  await expect(visit.tile('fire-engine.jpg'), 'so are photos that come later').toHaveText(/machine \d/);
  await visit.page.getByText('What it knows').click();
  await expect(visit.tile('jet.jpg')).toHaveText(/airplane \d/);
  await visit.page.getByText('Your own things').click();
  await expect(visit.tile('jet.jpg')).toHaveText(/machine \d/);
});

test('each photo is looked at once, however often it is asked', async ({ visit }) => {
  await visit.sample('German shepherd').click();
  await expect(visit.verdict).toHaveText('dog');
  const asked = await visit.overhear('runImages');
  const boxes = await teach(visit);
  const embedded = async () =>
    (await asked()).reduce((sum, { count, outputs }) => sum + (outputs.includes('embedding') ? count : 0), 0);
  await expect(visit.verdict).toHaveText('animal');
  expect(await embedded(), 'five examples, and the photo on the stage').toBe(6);
  await boxes.getByLabel('Name of thing 1').fill('creature');
  await expect(visit.verdict).toHaveText('creature');
  await boxes.getByRole('button', { name: 'Take kitten.jpg out' }).click();
  await expect(boxes.getByRole('status')).toContainText('of 4 right');
  expect(await embedded()).toBe(6);
});

test('photos go into boxes from the stage, and are dragged there from the tiles', async ({ visit }) => {
  await drop(visit.page, [OWL, JET]);
  const asked = await open(visit);
  await visit.show('owl.jpg');
  await asked.getByRole('button', { name: 'Add the photo above to Thing 1' }).click();
  await expect(box(asked, 'Thing 1').getByRole('button', { name: 'Take owl.jpg out' })).toBeVisible();
  await visit.tile('jet.jpg').dragTo(box(asked, 'Thing 2'));
  await expect(box(asked, 'Thing 2').getByRole('button', { name: 'Take jet.jpg out' })).toBeVisible();
  await expect(visit.tiles, 'and stay where they were').toHaveCount(2);
  await expect(visit.verdict).toHaveText('Thing 1');
  await expect(asked.getByRole('status')).toContainText('With two photos or more in a box it is measured');
});

test('over a box there is no veil, and beside it there is', async ({ visit }) => {
  const asked = await open(visit);
  await drag(visit.page, [OWL]);
  await expect(visit.page.getByText('Let go')).toBeVisible();
  await drag(visit.page, [OWL], box(asked, 'Thing 2'));
  await expect(box(asked, 'Thing 2')).toHaveAttribute('data-over');
  await expect(visit.page.getByText('Let go')).toBeHidden({ timeout: 500 });
});

test('what cannot be read goes into no box, a folder gives its name, and names differ', async ({ visit }, info) => {
  await visit.sample('German shepherd').click();
  const asked = await open(visit);
  await asked
    .getByLabel('Add photos to Thing 1')
    .setInputFiles([DOG, truncated(info.outputPath('torn.jpg')), 'README.md']);
  await expect(visit.announcements).toContainText('“README.md” holds something else');
  await expect(visit.toast).toContainText('“torn.jpg” is damaged or cut off');
  await drop(visit.page, [folder(info.outputPath('mugs'), [CUP])], box(asked, 'Thing 2'));
  await expect(asked.getByLabel('Name of thing 2')).toHaveValue('mugs');
  await expect(box(asked, 'Thing 1').getByRole('listitem')).toHaveCount(1);
  await expect(visit.verdict).toHaveText('Thing 1');
  await asked.getByLabel('Name of thing 1').fill('mugs');
  await expect(asked.getByRole('status')).toHaveText(/Two boxes are called “mugs”/);
  await expect(visit.verdict, 'the model answers by its own labels').toHaveText('dog');
});

test('what was learned is kept as a file, which the library takes, and goes on from there', async ({ visit }) => {
  await visit.sample('German shepherd').click();
  const asked = await teach(visit);
  const download = visit.page.waitForEvent('download');
  await asked.getByRole('button', { name: 'Save as a file' }).click();
  const path = await (await download).path();
  const head = JSON.parse(readFileSync(path, 'utf8'));
  expect(head).toMatchObject({ format: 'vit-webgpu head', labels: ['animal', 'machine'], pictures: [3, 2] });
  expect(head.examples.animal[0]).toHaveLength(head.weights[0].length);

  await visit.arriveReady();
  const again = await open(visit);
  await again.getByLabel('Open a file').setInputFiles(path);
  await expect(again.getByRole('status')).toContainText('of 5 right');
  await expect(visit.verdict).toHaveText('animal');
  await again.getByLabel('Add photos to machine').setInputFiles([JET]);
  await expect(again.getByRole('status')).toContainText('of 6 right');
});

test('a file that is none, or of another model, leaves everything as it is', async ({ visit }, info) => {
  await visit.sample('German shepherd').click();
  const asked = await teach(visit);
  const write = (name: string, text: string) => {
    writeFileSync(info.outputPath(name), text);
    return info.outputPath(name);
  };
  const download = visit.page.waitForEvent('download');
  await asked.getByRole('button', { name: 'Save as a file' }).click();
  const head = JSON.parse(readFileSync(await (await download).path(), 'utf8'));
  for (const [name, text, why] of [
    ['none.json', '{}', 'is none that vit.learn() gave'],
    ['cut.json', '{"format":', 'SyntaxError'],
    ['other.json', JSON.stringify({ ...head, model: { name: 'other' } }), 'is of the model other'],
    ['bare.json', JSON.stringify({ ...head, examples: undefined }), 'has no examples'],
    ['short.json', JSON.stringify({ ...head, examples: { animal: [[1]], machine: [[1]] } }), 'has 1 features'],
  ]) {
    await asked.getByLabel('Open a file').setInputFiles(write(name, text));
    await expect(visit.toast, name).toContainText('This file cannot be used here');
    await expect(visit.toast, name).toContainText(why);
  }
  await expect(asked.getByRole('status')).toContainText('of 5 right');
  await expect(visit.verdict).toHaveText('animal');
});

test('all of it is done by keyboard', async ({ visit }) => {
  await visit.sample('German shepherd').click();
  const asked = await open(visit);
  const { keyboard } = visit.page;
  await asked.getByRole('button', { name: 'Another thing' }).focus();
  await keyboard.press('Enter');
  await expect(asked.getByLabel('Name of thing 3')).toBeFocused();
  await keyboard.type('bird');
  await keyboard.press('Tab');
  await expect(asked.getByRole('button', { name: 'Remove bird' })).toBeFocused();
  await keyboard.press('Tab');
  await expect(asked.getByLabel('Add photos to bird')).toBeFocused();
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  const example = box(asked, 'bird').getByRole('button', { name: 'Take dog.jpg out' });
  await expect(example).toBeVisible();
  await example.focus();
  await keyboard.press('Enter');
  await expect(asked.getByLabel('Add photos to bird')).toBeFocused();
  await asked.getByRole('button', { name: 'Remove bird' }).focus();
  await keyboard.press('Enter');
  await expect(asked.getByRole('group', { name: /^(Thing|bird)/ })).toHaveCount(2);
  await visit.page.getByLabel('Your own things').focus();
  await keyboard.press('ArrowLeft');
  await expect(asked.getByRole('group', { name: 'Thing 1' })).toBeHidden();
});

test.describe(() => {
  test.use({ complaints: /Failed to load resource|Failed to fetch dynamically/ });

  alone('a part of the page that does not arrive is explained', async ({ visit, site }) => {
    site.lose('things-');
    await visit.arriveReady();
    await visit.page.getByText('Your own things').click();
    await expect(visit.toast).toContainText('This part of the page did not arrive.');
    await expect(visit.page.getByLabel('What it knows')).toBeChecked();
  });
});

test.describe(() => {
  test.use({ viewport: { width: 390, height: 700 } });

  test('nothing sticks out on a phone', async ({ visit }) => {
    await visit.page.emulateMedia({ colorScheme: 'dark' });
    await visit.sample('German shepherd').click();
    await teach(visit);
    for (const width of [390, 320]) {
      await visit.page.setViewportSize({ width, height: 700 });
      expect(await visit.page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    }
    expect(await visit.faults(), 'axe finds nothing').toEqual([]);
  });
});

function folder(path: string, files: string[]): string {
  mkdirSync(path, { recursive: true });
  for (const [i, file] of files.entries()) writeFileSync(`${path}/${i}.jpg`, readFileSync(file));
  return path;
}
