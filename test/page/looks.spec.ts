/**
 * What the page says when it is not sure, and how it looks: light and dark, from a phone to a desktop.
 */
import { CUP, drop, JET, OWL, truncated } from './photos.ts';
import { test as alone, expect, shareVisit } from './visit.ts';

const test = shareVisit();
test.use({ animates: true });

const LABELS = 'airplane, automobile, bird, cat, deer, dog, frog, horse, ship, and truck';

test('a low score is no answer: the page is not sure, and shows what the model knows when asked', async ({ visit }) => {
  await visit.sample('Cup of coffee').click();
  await visit.expectAnswer('cup.jpg');
  await expect(visit.verdict).toHaveText('Not sure');
  await expect(visit.stage.locator('.note')).toContainText('None of its ten things?');
  await visit.stage.getByText('All it knows').click();
  await expect(visit.stage.locator('.known li')).toHaveCount(10);
  await expect(visit.announcements).toContainText(/cup\.jpg: not sure\. Guesses: [a-z]+ \d/);
});

alone('how sure is sure enough, the model says', async ({ visit, site }) => {
  const threshold = (value: number) => {
    site.heal();
    site.change('model.json', (bytes) => {
      const manifest = JSON.parse(bytes.toString());
      return Buffer.from(JSON.stringify({ ...manifest, calibration: { temperature: 1, threshold: value } }));
    });
  };
  for (const [value, verdict] of [
    [1, 'Not sure'],
    [0, 'bird'],
  ] as const) {
    threshold(value);
    await visit.arriveReady();
    await visit.sample('Owl').click();
    await visit.expectAnswer('owl.jpg');
    await expect(visit.verdict).toHaveText(verdict);
  }
});

alone('a regression gives numbers: no per cent, no bars, and nothing to be sure of', async ({ visit, site }) => {
  site.change('model.json', (bytes) => {
    const { calibration, ...manifest } = JSON.parse(bytes.toString());
    return Buffer.from(JSON.stringify({ ...manifest, problemType: 'regression' }));
  });
  await visit.arriveReady();
  await expect(visit.page.locator('#knows')).toHaveText(/^It answers with numbers: airplane, /);
  await visit.sample('Owl').click();
  await visit.show('owl.jpg');
  const rows = visit.stage.getByRole('list', { name: 'Best labels' }).getByRole('listitem');
  await expect(rows).toHaveText([1, 2, 3, 4, 5].map(() => /^\s*[a-z]+\s*-?\d+(\.\d+)?\s*$/));
  await expect(visit.stage.locator('.bar')).toHaveCount(0);
  await expect(visit.verdict).toHaveText(/^bird \d\.\d+$/);
  await expect(visit.announcements).toContainText(/owl\.jpg: bird \d\.\d+/);
  await expect(visit.tile('owl.jpg')).toHaveAttribute('title', /^owl\.jpg: bird \d\.\d+$/);
  expect(await visit.faults()).toEqual([]);
});

test.describe('labels as long as they come', () => {
  test.use({ viewport: { width: 320, height: 1400 }, movesThings: true });

  alone('stay in their place, and can be read whole', async ({ visit, site }) => {
    const long = 'lesser panda, red panda, panda, bear cat, cat bear, Ailurus fulgens';
    const unbreakable = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft';
    site.change('model.json', (bytes) => {
      const manifest = JSON.parse(bytes.toString());
      const labels = manifest.labels.map((label: string, i: number) => `${i % 2 ? long : unbreakable} ${label}`);
      return Buffer.from(JSON.stringify({ ...manifest, labels }));
    });
    await visit.arriveReady();
    await visit.picker.setInputFiles([OWL, JET]);
    await expect(visit.verdict).toContainText('bird');
    expect(await visit.page.evaluate(overflowing), 'nothing sticks out').toEqual([]);
    expect(await visit.page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    await expect(visit.verdict).toHaveAttribute('title', `${unbreakable} bird`);
    await expect(visit.stage.locator('.scores .label').first()).toHaveAttribute('title', `${unbreakable} bird`);
  });
});

test('photo and answer are in one view, also of a low window', async ({ visit }) => {
  await visit.sample('German shepherd').click();
  await visit.expectAnswer('dog.jpg');
  for (const [width, height] of [
    [667, 375],
    [640, 450],
    [1280, 600],
    [1024, 768],
  ]) {
    await test.step(`${width} x ${height}`, async () => {
      await visit.page.setViewportSize({ width, height });
      await expect(visit.stage.locator('img')).toBeInViewport({ ratio: 0.99 });
      await expect(visit.verdict).toBeInViewport({ ratio: 0.99 });
      await expect(visit.stage.locator('.scores')).toBeInViewport({ ratio: 0.99 });
    });
  }
});

test.describe('an answer', () => {
  test.use({ movesThings: true });

  test('has bars of whole patches, also in colours of their own, on paper and for those who want less motion', async ({
    visit,
  }) => {
    await visit.sample('Owl').click();
    await visit.expectAnswer('owl.jpg');
    const widths = await visit.stage
      .locator('.bar')
      .evaluateAll((bars) => bars.map(({ clientWidth }) => clientWidth % 10));
    expect(widths).toEqual([0, 0, 0, 0, 0]);

    await test.step('colours of their own: bars, buttons and edges are still there', async () => {
      await visit.page.emulateMedia({ forcedColors: 'active' });
      const seen = await visit.page.evaluate(() => {
        const style = (selector: string, part?: string) => getComputedStyle(document.querySelector(selector)!, part);
        return {
          bar: style('.bar', '::before').backgroundColor !== style('.bar').backgroundColor,
          square: style('.engine-line', '::before').backgroundColor !== style('body').backgroundColor,
          button: style('label.button').borderStyle,
          stage: style('.stage').borderStyle,
        };
      });
      expect(seen).toEqual({ bar: true, square: true, button: 'solid', stage: 'solid' });
    });

    await test.step('less motion: nothing moves', async () => {
      await visit.page.emulateMedia({ forcedColors: null, reducedMotion: 'reduce' });
      const durations = await visit.page.evaluate(() =>
        Array.from(document.querySelectorAll('*'), (element) =>
          ['', '::before', '::after'].map((part) => {
            const { transitionDuration, animationName } = getComputedStyle(element, part || null);
            return `${transitionDuration} ${animationName}`;
          }),
        ).flat(),
      );
      expect(durations.filter((duration) => duration !== '0s none')).toEqual([]);
    });

    await test.step('paper: photo, answer and bars, and nothing to press', async () => {
      await visit.page.emulateMedia({ reducedMotion: null, media: 'print' });
      await expect(visit.stage.locator('.bar').first()).toHaveCSS('print-color-adjust', 'exact');
      await expect(visit.page.getByRole('button')).toHaveCount(0);
      await expect(visit.stage.locator('.scores')).toBeVisible();
    });
  });
});

test.describe('from right to left', () => {
  test.use({ movesThings: true });

  test('everything is mirrored but the photo', async ({ visit }) => {
    await visit.page.evaluate(() => {
      document.dir = 'rtl';
    });
    await visit.picker.setInputFiles([OWL, JET]);
    await visit.expectAnswer('owl.jpg');
    const photo = (await visit.stage.locator('.photo').boundingBox())!;
    const answer = (await visit.stage.locator('.answer').boundingBox())!;
    expect(photo.x).toBeGreaterThan(answer.x);
    expect(await visit.page.evaluate(overflowing)).toEqual([]);
  });
});

/** Taller than any screen: what moves is counted only where it is in sight. */
const SIZES = {
  phone: { width: 360, height: 3400 },
  tablet: { width: 820, height: 3000 },
  desktop: { width: 1440, height: 2800 },
};

const SCHEMES = ['light', 'dark'] as const;

for (const [device, viewport] of Object.entries(SIZES)) {
  test.describe(() => {
    test.use({ viewport });

    alone(
      `${device}: everything fits, can be read in light and dark, and stays where it is`,
      async ({ visit, site }, info) => {
        site.hold('.bin');
        await visit.arrive();
        await expect(visit.model.getByRole('progressbar')).toBeVisible();
        const knows = visit.page.getByText(`It knows ten things: ${LABELS}.`);
        const isSaid = device !== 'phone';
        await expect(knows, 'is said before the model is there').toBeVisible({ visible: isSaid });
        await expectReadable();
        // All get their answers after the last of them is there.
        await drop(visit.page, [CUP]);
        await drop(visit.page, [OWL]);
        await drop(visit.page, [OWL, CUP, truncated(info.outputPath('torn.jpg')), 'LICENSE', JET]);
        await expectReadable();
        site.heal();
        await visit.expectAnswer('jet.jpg');
        await expect(knows).toBeVisible({ visible: isSaid });
        await expectReadable(async (scheme) => {
          expect(await visit.faults(), `axe finds nothing in ${scheme}`).toEqual([]);
        });

        async function expectReadable(also?: (scheme: string) => Promise<void>) {
          expect(await visit.page.evaluate(overflowing), 'nothing sticks out').toEqual([]);
          expect(await visit.page.evaluate(tooSmall), 'large enough for a finger').toEqual([]);
          for (const colorScheme of SCHEMES) {
            await visit.page.emulateMedia({ colorScheme });
            const faint = await visit.page.evaluate(lowContrast);
            expect(faint, `text stands out from its background in ${colorScheme}, 4.5 to 1`).toEqual([]);
            await also?.(colorScheme);
          }
        }
      },
    );
  });
}

/** Runs in the page. What can be pressed, and is smaller than 44 pixels. */
function tooSmall(): string[] {
  const targets = Array.from(document.querySelectorAll('button, .button, summary, select'));
  return targets
    .map((target) => ({ target, ...target.getBoundingClientRect().toJSON() }))
    .filter(({ width, height }) => width > 0 && height > 0 && Math.min(width, height) < 44)
    .map(({ target, width, height }) => `${target.className} ${target.textContent!.trim()}: ${width} x ${height}`);
}

/** Runs in the page. What reaches beyond the window, and sections that lie over one another. */
function overflowing(): string[] {
  const name = (element: Element) => `${element.tagName}.${element.className}`;
  const width = document.documentElement.clientWidth;
  const wide = Array.from(document.querySelectorAll('main *')).filter(
    (element) => !element.closest('.unseen') && element.getBoundingClientRect().right > width + 0.5,
  );
  const sections = Array.from(document.querySelectorAll('section'), (element) => ({
    element,
    box: element.getBoundingClientRect(),
  }));
  const covered = sections.filter(({ box: a }, i) =>
    sections.some(
      ({ box: b }, j) => i !== j && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom,
    ),
  );
  return [...wide, ...covered.map(({ element }) => element)].map(name);
}

/** Runs in the page. Text with less contrast than WCAG's level AA asks for. */
function lowContrast(): string[] {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!;
  const luminance = (color: string): number => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = Array.from(canvas.getImageData(0, 0, 1, 1).data, (byte) => {
      const share = byte / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const isClear = (color: string) => color === 'rgba(0, 0, 0, 0)';
  const found: string[] = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement!;
    const isShown =
      element.checkVisibility({ visibilityProperty: true }) && !element.closest('.unseen, script, noscript');
    if (!texts.currentNode.nodeValue!.trim() || !isShown) continue;
    let behind: Element = element;
    while (isClear(getComputedStyle(behind).backgroundColor) && behind.parentElement) behind = behind.parentElement;
    const text = luminance(getComputedStyle(element).color);
    const ground = luminance(getComputedStyle(behind).backgroundColor);
    const contrast = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)} ${texts.currentNode.nodeValue!.trim()}`);
  }
  return found;
}
