/**
 * What can be chosen, what is remembered, and what can be taken along.
 */
import { OWL } from './photos.ts';
import { test as alone, expect, shareVisit } from './visit.ts';

const test = shareVisit((visit) => visit.arriveReady('?backend=cpu'));

alone('what it runs on and how many labels are shown are chosen, and remembered', async ({ visit }) => {
  await visit.arriveReady();
  await expect(visit.model).not.toContainText('You chose the CPU');
  const settings = await visit.open('Settings');
  expect(await visit.faults(), 'axe finds nothing').toEqual([]);
  await settings.getByLabel('Labels shown').selectOption('3');
  await settings.getByLabel('Runs on').selectOption('cpu');
  await visit.page.keyboard.press('Escape');
  await expect(visit.model).toContainText('You chose the CPU');
  await expect(visit.model).toContainText('Ready, on the CPU');
  await visit.picker.setInputFiles([OWL]);
  await expect(visit.stage.locator('.scores li')).toHaveCount(3);
  await visit.arriveReady();
  await expect(visit.model).toContainText('You chose the CPU');
});

alone(
  'on a GPU: it is said in words, checked and measured, and the report can be copied',
  async ({ visit, context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await visit.arriveReady('?backend=webgpu');
    await expect(visit.model).toContainText('2.7 million weights, 5.4 MB');
    if (process.env.VIT_ADAPTER === 'gpu') {
      await expect(visit.model).toContainText(/Ready, on your GPU \(.+\) through WebGPU/);
    } else {
      await expect(visit.model).toContainText(/Ready, on a software GPU \(.*SwiftShader.*\)/i);
      await expect(visit.model).toContainText('The CPU stands in for a graphics chip: same answers, but slower.');
    }
    await expect(visit.announcements).toContainText(/Ready, on (a software|your) GPU/);
    await expect(visit.announcements).toHaveAttribute('aria-live', 'polite');
    const settings = await visit.open('Settings');
    await settings.getByRole('button', { name: 'Start' }).click();
    await expect(settings.getByRole('status')).toContainText(
      /Computes right \(largest error .+\)\. One photo takes .+ ms\./,
    );
    await settings.getByRole('button', { name: 'Copy the report' }).click();
    await expect(visit.announcements).toContainText('The report is on the clipboard.');
    const report = JSON.parse(await visit.page.evaluate(() => navigator.clipboard.readText()));
    expect(report).toMatchObject({ model: 'vit-cifar10', selfTest: { passed: true } });
    expect(report.milliseconds).toHaveLength(8);
    expect(report.profile.steps.length).toBeGreaterThan(0);
  },
);

test('the code of this page is shown with what is chosen here', async ({ visit, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const code = await visit.open('Code');
  expect(await visit.faults(), 'axe finds nothing').toEqual([]);
  await code.getByRole('button', { name: 'Copy' }).click();
  const copied = await visit.page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain("import { loadViT } from 'vit-webgpu';");
  expect(copied).toContain("{ backend: 'cpu' }");
});

alone('the page is shared with what was chosen, and without a photo', async ({ visit, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await visit.arriveReady('?backend=cpu');
  const settings = await visit.open('Settings');
  await settings.getByLabel('Labels shown').selectOption('3');
  await visit.page.keyboard.press('Escape');
  await visit.picker.setInputFiles([OWL]);
  await visit.page.getByRole('button', { name: 'Share this page' }).click();
  await expect(visit.toast).toContainText('The address is on the clipboard');
  const shared = new URL(await visit.page.evaluate(() => navigator.clipboard.readText()));
  expect(shared.search).toBe('?backend=cpu&labels=3');
  await visit.page.evaluate(() => localStorage.clear());
  await visit.arriveReady(shared.search);
  await expect(visit.model).toContainText('You chose the CPU');
  await expect(visit.stage.locator('.scores li')).toHaveCount(3);
});

test('model card and licences are a click away', async ({ visit, site }) => {
  for (const [name, words] of [
    ['Model card', 'vit-cifar10'],
    ['Licences', 'lit-html'],
    ['Photos: Loliloli', 'CC BY 2.5'],
  ]) {
    const address = await visit.page.getByRole('link', { name }).getAttribute('href');
    const answer = await visit.page.request.get(new URL(address!, site.url).href);
    expect(await answer.text(), name).toContain(words);
  }
});

test.describe('in Chinese', () => {
  test.use({ locale: 'zh-CN', movesThings: true });

  alone('the page speaks it, and English when asked', async ({ visit }) => {
    await visit.arrive();
    const model = visit.page.getByRole('region', { name: '模型' });
    await expect(model).toContainText('已就绪');
    await expect(visit.page).toHaveTitle('照片里有什么？');
    await expect(visit.page.locator('html')).toHaveAttribute('lang', 'zh-Hans');
    await visit.page.getByRole('button', { name: '一杯咖啡' }).click();
    await expect(visit.page.getByRole('heading', { name: '不确定' })).toBeVisible();
    const latin = await visit.page.evaluate(() =>
      Array.from(document.querySelectorAll('[data-text]'), ({ textContent }) => textContent!).filter(
        (words) => !/[\u4e00-\u9fff]/.test(words),
      ),
    );
    expect(latin, 'nothing is left in English').toEqual([]);
    expect(await visit.faults(), 'axe finds nothing').toEqual([]);

    await visit.page.getByRole('button', { name: '设置' }).click();
    await visit.page.getByRole('dialog').getByLabel('语言').selectOption('en');
    await visit.page.keyboard.press('Escape');
    await expect(visit.verdict).toHaveText('Not sure');
    await visit.arriveReady();
    await expect(visit.page, 'also the next time').toHaveTitle('What is in your photo?');
  });
});
