/**
 * What the page says when it is not sure, and how it looks: light and dark, from a phone to a desktop.
 */
import { CUP, drop, JET, OWL, truncated } from './photos.ts';
import { expect, expectAnswer, test } from './visit.ts';

const LABELS = 'airplane, automobile, bird, cat, deer, dog, frog, horse, ship, and truck';

test('a low score is no answer: the page is not sure, and says what the model knows', async ({ visit }) => {
  await visit.arriveReady();
  await visit.sample('Cup of coffee').click();
  const card = visit.card('cup.jpg');
  await expectAnswer(card);
  await expect(card.locator('.verdict')).toHaveText('Not sure');
  await expect(card.locator('.note')).toHaveText(`It may be none of what the model knows: ${LABELS}.`);
  await expect(visit.announcements).toContainText(/cup\.jpg: not sure\. It may be none of .* Guesses: [a-z]+ \d/);
});

test('how sure is sure enough, the model says', async ({ visit, site }) => {
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
    await expectAnswer(visit.card('owl.jpg'));
    await expect(visit.card('owl.jpg').locator('.verdict')).toHaveText(verdict);
  }
});

test('what the model knows is said before any photo is there', async ({ visit, site }) => {
  site.hold('.bin');
  await visit.arrive();
  await expect(visit.page.getByText(`It knows ten things: ${LABELS}.`)).toBeVisible();
  site.heal();
  await visit.ready();
  await expect(visit.page.getByText(`It knows ten things: ${LABELS}.`)).toBeVisible();
});

/** Taller than any screen: what moves is counted only where it is in sight. */
const SIZES = {
  phone: { width: 360, height: 3400 },
  tablet: { width: 820, height: 3000 },
  desktop: { width: 1440, height: 2800 },
};

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [device, viewport] of Object.entries(SIZES)) {
    test.describe(() => {
      test.use({ colorScheme, viewport });

      test(`${colorScheme}, ${device}: everything fits, can be read, and stays where it is`, async ({
        visit,
        site,
      }, info) => {
        site.hold('.bin');
        await visit.arrive();
        await expect(visit.model.getByRole('progressbar')).toBeVisible();
        await visit.page.screenshot({ path: info.outputPath('empty.png') });
        await expectReadable();
        // Every card gets its answer after the ones below it are there.
        await drop(visit.page, [CUP]);
        await drop(visit.page, [OWL]);
        await drop(visit.page, [OWL, CUP, truncated(info.outputPath('torn.jpg')), 'LICENSE', JET]);
        await expectReadable();
        site.heal();
        await expectAnswer(visit.card('jet.jpg'));
        await visit.page.screenshot({ path: info.outputPath('answers.png') });
        await expectReadable();

        async function expectReadable() {
          expect(await visit.page.evaluate(overflowing), 'nothing sticks out').toEqual([]);
          expect(await visit.page.evaluate(lowContrast), 'text stands out from its background, 4.5 to 1').toEqual([]);
          for (const target of await visit.page.locator('button, .button').all()) {
            const box = await target.boundingBox();
            if (box) expect(Math.min(box.width, box.height), 'large enough for a finger').toBeGreaterThanOrEqual(44);
          }
        }
      });
    });
  }
}

test.describe('for those who want less motion', () => {
  test.use({ contextOptions: { reducedMotion: 'reduce' } });

  test('nothing moves', async ({ visit }) => {
    await visit.arriveReady();
    await visit.sample('Jet').click();
    await expectAnswer(visit.card('jet.jpg'));
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
});

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
