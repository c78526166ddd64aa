/**
 * The sheet of models: another one in place of the page's own, or beside it, and what is kept.
 */
import { readFileSync } from 'node:fs';
import type { BrowserContext } from '@playwright/test';
import { type HubFixture, HubServer, MADE_UP, TIMM_CONFIG } from '../harness/hub-server.ts';
import { addClip } from './models.ts';
import { CUP, JET, OWL } from './photos.ts';
import { type Site, STRICT } from './site.ts';
import { expect, test, type Visit } from './visit.ts';

const TINY = 'WinKawaks/vit-tiny-patch16-224';

/** The Hub, which has one repository. */
async function serveHub(fixture: HubFixture, site: Site, context: BrowserContext): Promise<HubServer> {
  const hub = new HubServer(fixture);
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

/** What has been asked of it so far. */
function askedOfTheHub({ page }: Visit): string[] {
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().startsWith('https:')) asked.push(request.url());
  });
  return asked;
}

test.describe('another model', () => {
  test.use({ movesThings: true, complaints: /Failed to load resource/ });

  test('is loaded from an address that is typed', async ({ visit }) => {
    await visit.arriveReady();
    const sheet = await visit.open('Models');
    await sheet.getByLabel('Model address').fill('elsewhere/model.json');
    await sheet.getByRole('button', { name: 'Load' }).click();
    await expect(visit.page).toHaveURL(/\?model=elsewhere%2Fmodel\.json$/);
    await expect(visit.model).toContainText('The model did not arrive');
  });
});

test.describe('a model of the Hub', () => {
  test.use({ movesThings: true, guests: ['https://huggingface.co'] });

  test('is converted in the tab, from its name', async ({ visit, site, context }) => {
    const hub = await serveHub(MADE_UP, site, context);
    await visit.arriveReady();
    const sheet = await visit.open('Models');
    await sheet.getByLabel('Model address').fill(`hf:${MADE_UP.repo}`);
    await sheet.getByRole('button', { name: 'Load' }).click();
    await expect(visit.page.locator('#knows')).toHaveText('It knows three things: cat, dog, and bird.');
    await visit.picker.setInputFiles([OWL]);
    await expect(visit.stage.getByRole('list', { name: 'Best labels' }).getByRole('listitem')).toHaveCount(3);
    hub.stop();
  });

  test('is in a list with what it knows, its size and licence; chosen, it is shown the photos that are here', async ({
    visit,
    site,
    context,
  }) => {
    const hub = await serveHub({ ...MADE_UP, repo: TINY }, site, context);
    const asked = askedOfTheHub(visit);
    await visit.arriveReady();
    await visit.picker.setInputFiles([OWL]);
    const sheet = await visit.open('Models');
    const offers = sheet.getByRole('heading', { name: 'Other models' }).locator('..').getByRole('listitem');
    await expect(offers.first()).toContainText('Knows the thousand things of ImageNet. Apache-2.0.');
    expect(await visit.faults(), 'axe finds nothing').toEqual([]);
    expect(asked).toEqual([]);
    await offers.getByRole('link', { name: 'Load ViT-Tiny (22.9 MB)' }).click();
    await expect(visit.page).toHaveURL(/\?model=hf%3AWinKawaks%2Fvit-tiny-patch16-224$/);
    await expect(visit.page.locator('#knows')).toHaveText('It knows three things: cat, dog, and bird.');
    expect(asked.length).toBeGreaterThan(0);
    await expect(visit.stage.locator('.name')).toHaveText('owl.jpg');
    await expect(visit.stage.getByRole('list', { name: 'Best labels' }).getByRole('listitem')).toHaveCount(3);
    await expect(visit.page.getByRole('link', { name: 'Model card' })).toHaveAttribute(
      'href',
      'https://huggingface.co/WinKawaks/vit-tiny-patch16-224',
    );

    await (await visit.open('Models')).getByRole('link', { name: 'Load the small model of this page' }).click();
    await expect(visit.page.locator('#knows')).toContainText('It knows ten things');
    await visit.expectAnswer('owl.jpg');
    hub.stop();
  });

  test('is offered where the page is not sure, before anything is asked of anybody', async ({
    visit,
    site,
    context,
  }) => {
    const hub = await serveHub({ ...MADE_UP, repo: TINY }, site, context);
    const asked = askedOfTheHub(visit);
    await visit.arriveReady();
    await visit.picker.setInputFiles([OWL, CUP]);
    await visit.expectAnswer('owl.jpg');
    const load = visit.stage.getByRole('button', { name: 'Load ViT-Tiny (22.9 MB)' });
    await expect(load, 'not where it is sure').toBeHidden();
    await visit.show('cup.jpg');
    await expect(visit.stage).toContainText('(Hugging Face Hub, Apache-2.0). Your photos stay here.');
    expect(await visit.faults(), 'axe finds nothing').toEqual([]);
    expect(asked).toEqual([]);
    await load.click();
    await expect(visit.page.locator('#knows')).toHaveText('It knows three things: cat, dog, and bird.');
    await expect(visit.tiles).toHaveCount(2);
    hub.stop();
  });

  test('that is declined is not offered again', async ({ visit }) => {
    for (const isOffered of [true, false]) {
      await visit.arriveReady();
      await visit.picker.setInputFiles([CUP]);
      await expect(visit.verdict).toHaveText('Not sure');
      const decline = visit.stage.getByRole('button', { name: 'No, thanks' });
      await expect(decline).toHaveCount(isOffered ? 1 : 0);
      if (isOffered) await decline.click();
      await expect(visit.stage.locator('.note')).toHaveText('It may be none of the things that this model knows.');
    }
  });

  test.describe(() => {
    test.use({ complaints: /Failed to load resource/ });
    test('that does not come leaves a way back', async ({ visit }) => {
      await visit.arrive('?model=elsewhere/model.json');
      await visit.model.getByRole('button', { name: 'Use the model of this page' }).click();
      await visit.ready();
      await expect(visit.page).not.toHaveURL(/model=/);
    });
  });
});

test.describe('two models', () => {
  test.use({ movesThings: true, guests: ['https://huggingface.co'] });

  test('answer side by side, on the stage, in the tiles and in what is taken away', async ({
    visit,
    site,
    context,
  }) => {
    const hub = await serveHub({ ...MADE_UP, repo: TINY }, site, context);
    await visit.arriveReady();
    await visit.picker.setInputFiles([OWL, JET]);
    await (await visit.open('Models')).getByRole('button', { name: 'Compare with ViT-Tiny' }).click();
    await expect(visit.page).toHaveURL(/\?compare=hf%3AWinKawaks%2Fvit-tiny-patch16-224$/);
    const lists = visit.stage.getByRole('list', { name: 'Best labels' });
    await expect(lists).toHaveCount(2);
    await expect(lists.first()).toContainText('bird');
    await expect(lists.last()).toHaveText(/^\s*(cat|dog|bird)\s/);
    await expect(visit.tiles.locator('.beside')).toHaveText([/Not sure|%/, /Not sure|%/]);
    expect(await visit.faults(), 'axe finds nothing').toEqual([]);

    const csv = visit.page.waitForEvent('download');
    await visit.strip.getByRole('button', { name: 'CSV' }).click();
    const [header, row] = readFileSync(await (await csv).path(), 'utf8').split('\r\n');
    expect(header).toMatch(/^file,state,.*,model,second state,second sure,second label 1,.*,second model$/);
    expect(row).toMatch(
      /^owl\.jpg,sure,true,bird,.*,vit-cifar10,(sure|unsure|torn),,(cat|dog|bird),.*,vit-tiny-patch16-224$/,
    );

    // The address brings both back.
    await visit.arriveReady(new URL(visit.page.url()).search);
    await visit.picker.setInputFiles([OWL]);
    await expect(lists).toHaveCount(2);
    await (await visit.open('Models')).getByRole('button', { name: 'Stop comparing' }).click();
    await visit.page.keyboard.press('Escape');
    await expect(lists).toHaveCount(1);
    await expect(visit.page).not.toHaveURL(/compare=/);
    hub.stop();
  });

  test('the second from any address, if it has labels; what it does not say of itself is asked', async ({
    visit,
    site,
    context,
  }) => {
    await addClip(site);
    site.add('other/model.json', readFileSync('dist/page/weights/vit-cifar10/model.json'));
    site.add('other/shard-00001-of-00001.bin', readFileSync('dist/page/weights/vit-cifar10/shard-00001-of-00001.bin'));
    await visit.arriveReady();
    const compare = async (address: string) => {
      const sheet = await visit.open('Models');
      await sheet.getByLabel('Model address').fill(address);
      await sheet.getByRole('button', { name: 'Compare', exact: true }).click();
    };
    await compare('other/model.json');
    await expect(visit.stage.getByRole('list', { name: 'Best labels' })).toHaveText([/dog/, /dog/]);
    await compare('http://[');
    await expect(visit.stage.locator('.other')).toContainText('This is not an address');
    await compare('clip/model.json');
    const other = visit.stage.locator('.other');
    await expect(other).toContainText('This model has no labels of its own.');

    const { mean, ...rest } = TIMM_CONFIG.pretrained_cfg;
    const config = new TextEncoder().encode(JSON.stringify({ ...TIMM_CONFIG, pretrained_cfg: rest }));
    const hub = await serveHub({ ...MADE_UP, files: { ...MADE_UP.files, 'config.json': config } }, site, context);
    await compare(`hf:${MADE_UP.repo}`);
    await expect(other).toContainText('The checkpoint does not say everything');
    await other.getByRole('button', { name: 'Answer' }).click();
    const form = visit.page.getByRole('dialog', { name: 'What nothing says of this checkpoint' });
    await form.getByLabel(/mean of the pixels/).fill(mean.join(', '));
    await form.getByRole('button', { name: 'Go on' }).click();
    await expect(visit.stage, 'the keyboard stays where it was').toBeFocused();
    await expect(other.getByRole('list', { name: 'Best labels' })).toContainText(/cat|dog|bird/);
    hub.stop();
  });
});

test('what is kept for the next visit is listed, and removed', async ({ visit }) => {
  await visit.arriveReady();
  const sheet = await visit.open('Models');
  await expect(sheet).toContainText('vit-cifar10, 5.4 MB');
  await expect(sheet.getByRole('button', { name: 'Remove all' })).toBeVisible();
  await sheet.getByRole('button', { name: 'Remove vit-cifar10' }).click();
  await expect(sheet).toContainText('No model is kept in this browser.');
});
