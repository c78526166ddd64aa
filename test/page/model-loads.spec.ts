/**
 * How the model comes, and what the page says when it does not.
 */
import { chromium } from '@playwright/test';
import { CHROME_ARGS } from '../harness/chrome-args.ts';
import { CUP, drop, JET, OWL } from './photos.ts';
import { expect, expectAnswer, test, Visit } from './visit.ts';

const WEIGHTS = '.bin';

test('the progress bar tells the bytes, and photos wait for the model', async ({ visit, site }) => {
  site.hold(WEIGHTS);
  await visit.arrive();
  const bar = visit.model.getByRole('progressbar', { name: 'Downloading the model' });
  await expect(bar).toBeVisible();
  await expect(visit.model).toContainText(/[1-9]\.\d of \d+\.\d MB/);
  const [loaded, total] = (await visit.model.textContent())!
    .match(/([\d.]+) of ([\d.]+) MB/)!
    .slice(1)
    .map(Number);
  expect(await bar.evaluate((element: HTMLProgressElement) => element.value)).toBeCloseTo(loaded / total, 1);
  await drop(visit.page, [OWL, JET]);
  await expect(visit.cards.locator('.verdict')).toHaveText(['Waiting', 'Waiting']);

  site.heal();
  await visit.ready();
  await expect(bar).toBeHidden();
  await expectAnswer(visit.card('owl.jpg'));
  await expectAnswer(visit.card('jet.jpg'));
});

test('adapter and backend are told in words, also by the screen reader', async ({ visit }) => {
  await visit.arriveReady();
  await expect(visit.model).toContainText('2.7 million weights, 5.4 MB');
  if (process.env.VIT_ADAPTER === 'gpu') {
    await expect(visit.model).toContainText(/Ready, on your GPU \(.+\) through WebGPU/);
  } else {
    await expect(visit.model).toContainText(/Ready, on the (processor|CPU)/);
    await expect(visit.model).toContainText('software');
  }
  await expect(visit.announcements).toContainText(/Ready, on (the (processor|CPU)|your GPU)/);
  await expect(visit.announcements).toHaveAttribute('aria-live', 'polite');
});

test.describe('with troubles', () => {
  test.use({ complaints: /Failed to load resource/ });

  test('weights that do not arrive can be tried again, and what waited is answered', async ({ visit, site }) => {
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
    site.heal();
    await visit.retry.focus();
    await visit.page.keyboard.press('Enter');
    await visit.ready();
    await expect(visit.model, 'the focus stays where the button was').toBeFocused();
    await expect(visit.retry).toBeHidden();
    await expectAnswer(visit.card('owl.jpg'));
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
    ['samples/owl.jpg', 'This is not a model'],
    ['nowhere/model.json', 'The model did not arrive'],
  ]) {
    test(`an address without a model is told: ${address}`, async ({ visit }) => {
      await visit.arrive(`?model=${address}`);
      await expect(visit.model).toContainText(problem);
    });
  }

  test('a worker that does not start is told', async ({ visit, site }) => {
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
  test.use({ hasOtherLabels: true });

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
    await expect(visit.card('owl.jpg').getByRole('list', { name: 'Best labels' })).toContainText(`${markup}bird`);
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
  test('answers on the processor, and says so plainly', async ({ visit, site }) => {
    await visit.page.addInitScript('delete Navigator.prototype.gpu');
    site.change('assets/worker-', (script) =>
      Buffer.concat([Buffer.from('delete WorkerNavigator.prototype.gpu;'), script]),
    );
    await visit.arriveReady();
    await expectProcessor(visit, 'This browser has no WebGPU. Chrome, Edge, Safari and Firefox have it');
  });

  test('that finds no GPU answers on the processor, and says what to do', async ({ site }) => {
    const args = CHROME_ARGS.filter((argument) => !argument.includes('webgpu'));
    const browser = await chromium.launch({
      executablePath: process.env.CHROME_PATH,
      args: [...args, '--disable-gpu'],
    });
    const visit = new Visit(await browser.newPage(), site);
    await visit.arriveReady();
    await expectProcessor(visit, 'The browser found no GPU it can use. Update the graphics driver');
    await browser.close();
  });

  async function expectProcessor(visit: Visit, reason: string) {
    await expect(visit.model).toContainText('Ready, on the processor, without WebGPU');
    await expect(visit.model).toContainText(`Same answers, but slower. ${reason}`);
    await expect(visit.announcements).toContainText(reason);
    await visit.picker.setInputFiles([OWL, CUP]);
    await expectAnswer(visit.card('owl.jpg'));
    await expect(visit.card('owl.jpg').locator('.verdict')).toHaveText('bird');
  }
});
