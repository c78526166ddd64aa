/**
 * What can be chosen, what is remembered, and what can be taken along.
 */
import type { BrowserContext } from '@playwright/test';
import { HubServer, MADE_UP } from '../harness/hub-server.ts';
import { OWL } from './photos.ts';
import { type Site, STRICT } from './site.ts';
import { expect, test, type Visit } from './visit.ts';

async function open(visit: Visit, name = 'Settings') {
  await visit.page.getByRole('button', { name, exact: true }).click();
  return visit.page.getByRole('dialog', { name: name === 'Code' ? 'The same in your own page' : name });
}

test('what it runs on and how many labels are shown are chosen, and remembered', async ({ visit }) => {
  await visit.arriveReady('?backend=webgpu');
  const settings = await open(visit);
  expect(await visit.faults(), 'axe finds nothing').toEqual([]);
  await settings.getByLabel('Labels shown').selectOption('3');
  await settings.getByLabel('Runs on').selectOption('cpu');
  await visit.page.keyboard.press('Escape');
  await expect(visit.model).toContainText('Ready, on the CPU');
  await visit.picker.setInputFiles([OWL]);
  await expect(visit.stage.locator('.scores li')).toHaveCount(3);
  await visit.arriveReady();
  await expect(visit.model).toContainText('You chose the CPU');
});

test.describe('another model', () => {
  test.use({ movesThings: true, complaints: /Failed to load resource/ });

  test('is loaded from an address that is typed', async ({ visit }) => {
    await visit.arriveReady();
    const settings = await open(visit);
    await settings.getByLabel('Model address').fill('elsewhere/model.json');
    await settings.getByRole('button', { name: 'Load' }).click();
    await expect(visit.page).toHaveURL(/\?model=elsewhere%2Fmodel\.json$/);
    await expect(visit.model).toContainText('The model did not arrive');
  });
});

test.describe('a model of the Hub', () => {
  test.use({ movesThings: true, guests: ['https://huggingface.co'] });

  /** The Hub, which has one repository. */
  async function serveHub(repo: string, site: Site, context: BrowserContext): Promise<HubServer> {
    const hub = new HubServer({ ...MADE_UP, repo });
    const endpoint = await hub.start();
    await context.route('https://huggingface.co/**', async (route) => {
      const { pathname, search } = new URL(route.request().url());
      const headers = route.request().headers();
      const answer = await fetch(endpoint + pathname + search, { headers });
      await route.fulfill({
        status: answer.status,
        headers: { ...Object.fromEntries(answer.headers), 'access-control-allow-origin': '*' },
        body: Buffer.from(await answer.arrayBuffer()),
      });
    });
    site.headers = { 'content-security-policy': STRICT.replace("connect-src 'self'", "connect-src 'self' https:") };
    return hub;
  }

  test('is converted in the tab, from its name', async ({ visit, site, context }) => {
    const hub = await serveHub(MADE_UP.repo, site, context);
    await visit.arriveReady();
    const settings = await open(visit);
    await settings.getByLabel('Model address').fill(`hf:${MADE_UP.repo}`);
    await settings.getByRole('button', { name: 'Load' }).click();
    await expect(visit.page.locator('#knows')).toHaveText('It knows three things: cat, dog, and bird.');
    await visit.picker.setInputFiles([OWL]);
    await expect(visit.stage.getByRole('list', { name: 'Best labels' }).getByRole('listitem')).toHaveCount(3);
    hub.stop();
  });

  test('is offered with what it knows, its size and licence, and asked for when it is chosen', async ({
    visit,
    site,
    context,
  }) => {
    const hub = await serveHub('WinKawaks/vit-tiny-patch16-224', site, context);
    const asked: string[] = [];
    visit.page.on('request', (request) => {
      if (request.url().startsWith('https:')) asked.push(request.url());
    });
    await visit.arriveReady();
    const settings = await open(visit);
    const offers = settings.getByRole('heading', { name: 'Other models' }).locator('..').getByRole('listitem');
    await expect(offers.first()).toContainText('Knows the thousand things of ImageNet. Apache-2.0.');
    expect(await visit.faults(), 'axe finds nothing').toEqual([]);
    expect(asked).toEqual([]);
    await offers.getByRole('link', { name: 'Load ViT-Tiny (22.9 MB)' }).click();
    await expect(visit.page).toHaveURL(/\?model=hf%3AWinKawaks%2Fvit-tiny-patch16-224$/);
    await expect(visit.page.locator('#knows')).toHaveText('It knows three things: cat, dog, and bird.');
    expect(asked.length).toBeGreaterThan(0);
    hub.stop();
  });
});

test('the machine is checked and measured, and the report can be copied', async ({ visit, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await visit.arriveReady();
  const settings = await open(visit);
  await settings.getByRole('button', { name: 'Start' }).click();
  await expect(settings.getByRole('status')).toContainText(
    /Computes right \(largest error .+\)\. One photo takes .+ ms\./,
  );
  await settings.getByRole('button', { name: 'Copy the report' }).click();
  await expect(visit.announcements).toContainText('The report is on the clipboard.');
  const report = JSON.parse(await visit.page.evaluate(() => navigator.clipboard.readText()));
  expect(report).toMatchObject({ model: 'vit-cifar10', selfTest: { passed: true } });
  expect(report.milliseconds).toHaveLength(8);
});

test('what is kept for the next visit is listed, and removed', async ({ visit }) => {
  await visit.arriveReady();
  const settings = await open(visit);
  await expect(settings).toContainText('vit-cifar10, 5.4 MB');
  await expect(settings.getByRole('button', { name: 'Remove all' })).toBeVisible();
  await settings.getByRole('button', { name: 'Remove vit-cifar10' }).click();
  await expect(settings).toContainText('No model is kept in this browser.');
});

test('the code of this page is shown with what is chosen here', async ({ visit, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await visit.arriveReady('?backend=cpu');
  const code = await open(visit, 'Code');
  expect(await visit.faults(), 'axe finds nothing').toEqual([]);
  await code.getByRole('button', { name: 'Copy' }).click();
  const copied = await visit.page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain("import { loadViT } from 'vit-webgpu';");
  expect(copied).toContain("{ backend: 'cpu' }");
});

test('model card and licences are a click away', async ({ visit, site }) => {
  await visit.arriveReady();
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

  test('the page speaks it, and English when asked', async ({ visit }) => {
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
