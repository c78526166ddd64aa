/**
 * The library and the page in Firefox: on its own WebGPU (wgpu, naga), and on the CPU as it comes on Linux. What the page
 * answers is compared with what it answers in Chrome.
 */
import { firefoxFailure, startFirefox } from '../harness/firefox.js';
import { REPORTS, vitest } from '../harness/reports.js';
import { serveFolder } from '../harness/servers.js';

/** Not the one that the page shows by itself. */
const SAMPLE = { photo: 'samples/owl.jpg', label: 'bird' };
/** Of scores, which are at most 1: the bound of whole models. */
const BOUND = 1e-4;

/** How each visit starts, and what the page says then. */
const VISITS = [
  { name: 'on its WebGPU', webgpu: true, query: '?backend=webgpu', says: /on a software GPU|on your GPU/ },
  { name: 'on the CPU, WebGPU being a software one', webgpu: true, query: '', says: /on the CPU/ },
  { name: 'on the CPU, without WebGPU', webgpu: false, query: '', says: /on the CPU.*Firefox.*dom\.webgpu\.enabled/ },
];

/** @param startChrome @returns {import('../harness/jobs.js').Job} */
export function firefoxJob(startChrome) {
  return {
    name: 'firefox',
    needs: ['package'],
    async run(print) {
      const failure = firefoxFailure();
      if (failure) return { passed: 0, failed: 0, notRun: [`Firefox. ${failure}`] };
      const outcome = await vitest(print, 'firefox', ['--project=firefox']);
      const expected = await visit(startChrome, '?backend=webgpu', `${REPORTS}/page-chrome.png`);
      for (const { name, webgpu, query, says } of VISITS) {
        const picture = `${REPORTS}/page-firefox-${VISITS.findIndex((visit) => visit.name === name)}.png`;
        const wrong = await visit(() => startFirefox(webgpu), query, picture)
          .then((seen) => difference(seen, expected, says))
          .catch((error) => error.message);
        print(`${wrong ? '✘' : '✓'} the page ${name}${wrong ? `\n${wrong}` : ''}\n`);
        outcome[wrong ? 'failed' : 'passed']++;
        if (wrong) outcome.failures.push(`firefox: the page ${name}`);
      }
      return outcome;
    },
  };
}

/** What the built page answers to a sample, in a browser of Playwright's or Puppeteer's. */
async function visit(start, query, picture) {
  const site = await serveFolder(['dist/page'], '/', false);
  const browser = await start();
  try {
    const page = await browser.newPage();
    const complaints = [];
    page.on('pageerror', ({ message }) => complaints.push(message));
    await page.goto(`${site.origin}/${query}`);
    const answer = await page.evaluate(answerTo, SAMPLE);
    await page.screenshot({ path: picture, fullPage: true });
    return { ...answer, complaints };
  } finally {
    await browser.close();
    site.close();
  }
}

/** Runs in the page. */
async function answerTo({ photo }) {
  const found = async (what, find) => {
    for (const start = Date.now(); Date.now() - start < 90_000; ) {
      const result = find();
      if (result) return result;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${what}: not on the page, which says: ${document.body.innerText.slice(0, 1000)}`);
  };
  const model = await found('a model', () => {
    const { dataset, textContent } = document.getElementById('engine');
    return dataset.state === 'ready' && textContent;
  });
  document.querySelector(`[data-photo="${photo}"]`).click();
  const rows = await found('an answer', () => {
    const stage = document.getElementById('stage');
    const isShown = photo.endsWith(stage.querySelector('.name')?.textContent.trim() || '?');
    const isAnswered = stage.querySelector('.times')?.textContent.includes('Run');
    return isShown && isAnswered && [...stage.querySelectorAll('.scores li')];
  });
  const labels = rows.map((row) => row.querySelector('.label').textContent);
  const scores = rows.map((row) => Number(row.querySelector('.bar').style.getPropertyValue('--score')));
  return { model: model.replace(/\s+/g, ' '), labels, scores };
}

/** @returns {string | undefined} what is wrong */
function difference(seen, expected, says) {
  const off = Math.max(...seen.scores.map((score, i) => Math.abs(score - expected.scores[i])));
  const same = String(seen.labels) === String(expected.labels) && seen.labels[0] === SAMPLE.label && off <= BOUND;
  if (same && says.test(seen.model) && seen.complaints.length === 0) return undefined;
  return `It should be ${says} and\n${JSON.stringify(expected)}, but is\n${JSON.stringify(seen)}`;
}
