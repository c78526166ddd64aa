/**
 * How the model comes, and what the page says when it does not.
 */
import { chromium } from '@playwright/test';
import { CHROME_ARGS } from '../harness/chrome-args.ts';
import { CUP, drop, dropFile, JET, OWL } from './photos.ts';
import { expect, test, Visit } from './visit.ts';

const WEIGHTS = '.bin';

test('the progress bar shows the bytes, and photos wait for the model', async ({ visit, site }) => {
  site.hold(WEIGHTS);
  await visit.arrive();
  const bar = visit.model.getByRole('progressbar', { name: 'Downloading the model' });
  await expect(bar).toBeVisible();
  await expect(visit.model).toContainText(/[1-9]\.\d of \d+\.\d MB/);
  // Both at one moment: bytes go on coming.
  const { text, value } = await visit.model.evaluate((model) => ({
    text: model.textContent!,
    value: model.querySelector('progress')!.value,
  }));
  const [loaded, total] = text
    .match(/([\d.]+) of ([\d.]+) MB/)!
    .slice(1)
    .map(Number);
  expect(value).toBeCloseTo(loaded / total, 1);
  await drop(visit.page, [OWL, JET]);
  await expect(visit.tiles).toHaveText([/owl\.jpg:\s+Waiting/, /jet\.jpg:\s+Waiting/]);
  await expect(visit.verdict).toHaveText('Waiting for the model');

  site.heal();
  await visit.ready();
  await expect(bar).toBeHidden();
  await visit.expectAnswer('owl.jpg');
  await visit.expectAnswer('jet.jpg');
});

test('the CPU runs it where the address asks for it; samples come as thumbnails', async ({ visit }) => {
  const bytes: Promise<number>[] = [];
  visit.page.on('response', (response) => {
    if (response.url().includes('samples/')) bytes.push(response.body().then(({ length }) => length));
  });
  await visit.arriveReady('?backend=cpu');
  const total = (await Promise.all(bytes)).reduce((sum, count) => sum + count, 0);
  expect(bytes.length).toBeGreaterThanOrEqual(7);
  // The photo on the stage, which is there when the model is, and six small ones.
  expect(total, 'what comes before a photo is chosen').toBeLessThan(2 * 50_397 + 6 * 9_000);
  await expect(visit.model).toContainText('Ready, on the CPU');
  await expect(visit.model).toContainText(/You chose the CPU: .* WebAssembly, (one thread|\d+ threads)\./);
  await visit.sample('Owl').click();
  await visit.expectAnswer('owl.jpg');
});

test('a GPU that stops working is said, and the CPU goes on', async ({ visit }) => {
  test.skip(process.env.VIT_ADAPTER === 'gpu', 'Its crash would be felt by others.');
  await visit.arriveReady('?backend=auto');
  const session = await visit.page.context().browser()!.newBrowserCDPSession();
  const isOnGpu = (await visit.model.textContent())!.includes('GPU (');
  // Twice: a browser gives a page no third device.
  for (let crash = 0; crash < 2; crash++) {
    await session.send('Browser.crashGpuProcess').catch(() => {});
    await visit.picker.setInputFiles([OWL]);
    await expect(visit.verdict).toHaveText('bird');
  }
  await expect(visit.model).toContainText(/Ready, on (the CPU|a software GPU)/);
  if (isOnGpu) await expect(visit.announcements).toContainText('The GPU stopped working');
});

test.describe('with troubles', () => {
  test.use({ complaints: /Failed to load resource/ });

  test('weights that do not arrive can be tried again, and photos that came before and after are answered', async ({
    visit,
    site,
  }) => {
    site.lose(WEIGHTS);
    await visit.arrive();
    await visit.picker.setInputFiles([OWL]);
    await expect(visit.model).toContainText('The model did not arrive');
    await expect(visit.model).toContainText('Check the connection, then try again.');
    await expect(visit.announcements).toContainText('The model did not arrive.');
    await visit.model.getByText('Technical details').click();
    await expect(visit.model).toContainText('network: ');

    await visit.retry.click();
    await expect(visit.model).toContainText('The model did not arrive');
    // One that comes after the failure is not said to wait for nothing.
    await drop(visit.page, [JET]);
    await expect(visit.verdict).toHaveText('No model');
    await expect(visit.stage).toContainText('gets its answer when the model is here');
    site.heal();
    await visit.retry.focus();
    await visit.page.keyboard.press('Enter');
    await visit.ready();
    await expect(visit.model, 'the focus stays where the button was').toBeFocused();
    await expect(visit.retry).toBeHidden();
    await visit.expectAnswer('owl.jpg');
    await visit.expectAnswer('jet.jpg');
  });

  test('damaged weights are not run', async ({ visit, site }) => {
    site.change(WEIGHTS, (bytes) => {
      const damaged = Buffer.from(bytes);
      damaged[1000] ^= 1;
      return damaged;
    });
    await visit.arrive();
    await expect(visit.model).toContainText('The model arrived damaged');
    await expect(visit.retry).toBeVisible();
    site.heal();
    await visit.retry.click();
    await visit.ready();
  });

  for (const [address, problem] of [
    ['http://[', 'This is not an address'],
    ['samples/owl.jpg', 'This is not a model'],
    ['nowhere/model.json', 'The model did not arrive'],
  ]) {
    test(`an address without a model is called one: ${address}`, async ({ visit }) => {
      await visit.arrive(`?model=${address}`);
      await expect(visit.model).toContainText(problem);
      await dropFile(visit.page, OWL);
      await expect(visit.verdict, 'photos can be dropped all the same').toHaveText('No model');
    });
  }

  test('a worker that does not start is no mystery', async ({ visit, site }) => {
    await visit.page.route(/worker-.*\.js$/, (route) => route.abort());
    await visit.arrive();
    await expect(visit.model).toContainText('The model did not arrive');
    await visit.page.unroute(/worker-.*\.js$/);
    site.heal();
    await visit.retry.click();
    await visit.ready();
  });
});

test.describe('another model', () => {
  test.use({ movesThings: true });

  test('is named in the address', async ({ visit, site }) => {
    site.change('model.json', (bytes) => {
      const manifest = JSON.parse(bytes.toString());
      const labels = manifest.labels.map((label: string) => `small ${label}`);
      return Buffer.from(JSON.stringify({ ...manifest, name: 'other', labels }));
    });
    await visit.arrive('?model=weights/vit-cifar10/model.json%3Fother');
    await expect(visit.model).toContainText('other: 2.7 million weights');
    await expect(visit.page.getByText('It knows ten things')).toContainText('small airplane, small automobile');
  });

  test('and its labels are text, whatever they hold', async ({ visit, site }) => {
    const markup = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    site.change('model.json', (bytes) => {
      const manifest = JSON.parse(bytes.toString());
      const labels = manifest.labels.map((label: string) => `${markup}${label}`);
      return Buffer.from(JSON.stringify({ ...manifest, name: `<b>${markup}`, labels }));
    });
    await visit.arriveReady();
    await visit.picker.setInputFiles([OWL]);
    await expect(visit.stage.getByRole('list', { name: 'Best labels' })).toContainText(`${markup}bird`);
    await expect(visit.model).toContainText(`<b>${markup}`);
    for (const element of ['img[src="x"]', 'b', 'body script']) {
      expect(
        await visit.page
          .locator(element)
          .filter({ hasText: /alert|^$/ })
          .count(),
        element,
      ).toBe(0);
    }
  });
});

test.describe('a browser without WebGPU', () => {
  test('answers on the CPU, and says so plainly', async ({ visit, site }) => {
    await visit.beforehand('delete Navigator.prototype.gpu');
    site.change('assets/worker-', (script) =>
      Buffer.concat([Buffer.from('delete WorkerNavigator.prototype.gpu;'), script]),
    );
    await visit.arriveReady();
    await expectCpu(visit, 'This browser has no WebGPU. Current versions of Chrome, Edge, Safari and Firefox have it');
  });

  test('that finds no GPU answers on the CPU, and says what to do', async ({ site }) => {
    const args = CHROME_ARGS.filter((argument) => !argument.includes('webgpu'));
    const browser = await chromium.launch({
      executablePath: process.env.CHROME_PATH,
      args: [...args, '--disable-gpu'],
    });
    const visit = new Visit(await browser.newPage(), site);
    await visit.arriveReady();
    await expectCpu(visit, 'The browser found no GPU it can use. Update the graphics driver');
    await browser.close();
  });

  async function expectCpu(visit: Visit, reason: string) {
    await expect(visit.model).toContainText('Ready, on the CPU');
    await expect(visit.model).toContainText(`Same answers, but slower than on a GPU. ${reason}`);
    await expect(visit.announcements).toContainText(reason);
    await visit.picker.setInputFiles([OWL, CUP]);
    await visit.expectAnswer('owl.jpg');
    await expect(visit.verdict).toHaveText('bird');
  }
});

test.describe(() => {
  test.use({ javaScriptEnabled: false });

  test('without scripts the page says what it needs, and waits for nothing', async ({ page, site }) => {
    await page.goto(site.url);
    await expect(page.locator('.needs')).toBeVisible();
    await expect(page.getByText('Getting ready')).toHaveCount(0);
    await expect(page.getByRole('button')).toHaveCount(0);
  });
});
