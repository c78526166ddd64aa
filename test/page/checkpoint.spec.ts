/**
 * A model from a person's disk, a checkpoint or a converted one: it becomes the page's, and what a checkpoint does not say of itself is
 * asked in a form.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clipFiles } from './models.ts';
import { drop, OWL } from './photos.ts';
import { expect, test } from './visit.ts';

const VIT = fileURLToPath(new URL('../fixtures/families/timm-vit/model.safetensors', import.meta.url));

const HF = fileURLToPath(new URL('../fixtures/families/hf-vit/model.safetensors', import.meta.url));
const PREPROCESSOR = { image_processor_type: 'ViTImageProcessor', size: { height: 32, width: 32 } };

test.use({ movesThings: true });

test('is dropped, asked about, and shown all photos', async ({ visit }) => {
  await visit.arriveReady();
  await visit.picker.setInputFiles([OWL]);
  await visit.expectAnswer('owl.jpg');
  await drop(visit.page, [VIT]);
  await expect(visit.model).toContainText('The checkpoint does not say everything');
  await visit.page.getByRole('button', { name: 'Answer' }).click();
  const dialog = visit.page.getByRole('dialog', { name: 'What nothing says of this checkpoint' });
  expect(await visit.faults(), 'axe finds nothing').toEqual([]);
  await dialog.getByRole('button', { name: 'Go on' }).click();
  await expect(dialog, 'nothing goes on without answers').toBeVisible();

  const answers: [RegExp, string][] = [
    [/attention heads/, '3'],
    [/epsilon/, '1e-6'],
    [/resized/, 'squash:32x32'],
    [/cropped/, 'none'],
    [/mean of the pixels/, '0.5, 0.5, 0.5'],
    [/standard deviation/, '0.5,0.5'],
  ];
  for (const [question, typed] of answers) await dialog.getByLabel(question).fill(typed);
  const choices: [RegExp, string][] = [
    [/activation/, 'gelu'],
    [/norms stand before/, 'true'],
    [/head sees/, 'class'],
    [/filter/, 'bilinear'],
  ];
  for (const [question, chosen] of choices) await dialog.getByLabel(question).selectOption(chosen);
  await dialog.getByLabel(/resized/).fill('somehow');
  await dialog.getByRole('button', { name: 'Go on' }).click();
  await expect(dialog, 'nor with one that cannot be read').toBeVisible();
  await dialog.getByLabel(/resized/).fill('squash:32x32');
  await dialog.getByRole('button', { name: 'Go on' }).click();
  await expect(dialog).toBeHidden();

  await expect(visit.model, 'two numbers for three channels').toContainText('This does not fit together');
  await visit.model.getByText('Technical details', { exact: true }).click();
  await expect(visit.model).toContainText('std must be 3 numbers, one per channel');
  await visit.page.getByRole('button', { name: 'Answer' }).click();
  for (const [question, typed] of answers) await dialog.getByLabel(question).fill(typed);
  await dialog.getByLabel(/standard deviation/).fill('0.5, 0.5, 0.5');
  for (const [question, chosen] of choices) await dialog.getByLabel(question).selectOption(chosen);
  await dialog.getByRole('button', { name: 'Go on' }).click();
  await expect(visit.model).toContainText('Ready');
  await expect(visit.model).toContainText('model: ');
  await expect(visit.page.locator('#knows')).toContainText('It knows');
  await expect(visit.stage.getByRole('list', { name: 'Best labels' })).toContainText('class ');
});

test('is chosen in the sheet of models, with its config beside it', async ({ visit }) => {
  await visit.arriveReady();
  await visit.page.getByRole('button', { name: 'Models', exact: true }).click();
  await visit.page.getByLabel('Open model files').setInputFiles([
    { name: 'model.safetensors', mimeType: '', buffer: readFileSync(HF) },
    {
      name: 'config.json',
      mimeType: 'application/json',
      buffer: readFileSync(HF.replace('model.safetensors', 'config.json')),
    },
    {
      name: 'preprocessor_config.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(PREPROCESSOR)),
    },
  ]);
  await expect(visit.page.getByRole('dialog')).toBeHidden();
  await expect(visit.model).toContainText('Ready');
  await expect(visit.page.locator('#knows')).not.toContainText('airplane');
});

test('comes in a folder, with its config beside it', async ({ visit }, info) => {
  const folder = info.outputPath('vit');
  mkdirSync(folder, { recursive: true });
  copyFileSync(HF, join(folder, 'model.safetensors'));
  copyFileSync(HF.replace('model.safetensors', 'config.json'), join(folder, 'config.json'));
  writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify(PREPROCESSOR));
  await visit.arriveReady();
  await drop(visit.page, [folder]);
  await expect(visit.page.locator('#knows')).not.toContainText('airplane');
  await visit.ready();
  await visit.page.getByLabel('Folder').setInputFiles(folder);
  await visit.ready();
  await expect(visit.page.locator('#knows'), 'chosen, too').not.toContainText('airplane');
});

test('that is converted already comes with all that its manifest names', async ({ visit }, info) => {
  const folder = info.outputPath('clip');
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of await clipFiles()) writeFileSync(join(folder, name), bytes);
  await visit.arriveReady();
  await drop(visit.page, [folder]);
  await expect(visit.page.locator('#knows')).toContainText('It has no labels of its own');
  await visit.asked.getByText('Your words').click();
  await visit.asked.getByLabel('Words, one per line').fill('ab, cd');
  await expect(visit.asked, 'its tokenizer, too').toContainText('2 words asked');

  await drop(visit.page, [join(folder, 'model.json')]);
  await expect(visit.model).toContainText('This does not fit together');
  await visit.model.getByText('Technical details', { exact: true }).click();
  await expect(visit.model).toContainText(/model\.json names .+, which is not beside it: give the whole folder/);
});

test('a file that is none is called what it is, and the model of the page comes back with a reload', async ({
  visit,
}) => {
  await visit.arriveReady();
  await visit.page.getByRole('button', { name: 'Models', exact: true }).click();
  const broken = { name: 'model.safetensors', mimeType: '', buffer: Buffer.from('Entry not found') };
  await visit.page.getByLabel('Open model files').setInputFiles([broken]);
  await expect(visit.model).toContainText('This model is of another kind');
  await visit.model.getByText('Technical details', { exact: true }).click();
  await expect(visit.model).toContainText('it is text, and begins "Entry not found"');
  await visit.arriveReady();
});
