/**
 * The site of the documentation, built with packages of its own: every page and every place within a page that is pointed at
 * is there, its live example answers, and no page is wider than a phone.
 */
import { deadLinks } from '../harness/links.js';
import { serveFolder } from '../harness/servers.js';

const SITE = 'docs/.vitepress/dist';
const PHONE = { width: 375, height: 800 };
const PAGES = ['index', 'docs/guide', 'docs/classify', 'docs/reliability', 'docs/api/vit-webgpu', 'bench/RESULTS'];

/**
 * @param startChrome
 * @param install installs the packages of a folder: whether that worked, or why they cannot be had
 * @param command runs one
 * @returns {import('../harness/jobs.js').Job}
 */
export function docsJob(startChrome, install, command) {
  return {
    name: 'docs',
    needs: ['package'],
    async run(print) {
      const installed = await install('docs', print, 'ci');
      if (installed !== true) return installed ? { passed: 0, failed: 0, notRun: [`docs: ${installed}`] } : false;
      if (!(await command(print, 'npm', ['run', '--silent', '--prefix', 'docs', 'build']))) return false;
      const outcome = { passed: 0, failed: 0, failures: [] };
      for (const [name, check] of Object.entries({
        'every link leads somewhere': checkLinks,
        'in Chrome': checkInChrome,
      })) {
        const wrong = await check(startChrome).catch((error) => error.message);
        print(`${wrong ? '✘' : '✓'} docs: ${name}${wrong ? `\n${wrong}` : ''}\n`);
        outcome[wrong ? 'failed' : 'passed']++;
        if (wrong) outcome.failures.push(`docs: ${name}`);
      }
      return outcome;
    },
  };
}

/** The page of this project is no part of it. */
async function checkLinks() {
  return deadLinks(SITE, ['try']).join('\n');
}

/** @returns {Promise<string>} what is wrong */
async function checkInChrome(startChrome) {
  const site = await serveFolder([SITE], '/');
  const browser = await startChrome();
  const wrong = [];
  try {
    const page = await browser.newPage({ viewport: PHONE });
    page.on('console', (message) => message.type() === 'error' && wrong.push(`console: ${message.text()}`));
    page.on('pageerror', ({ message }) => wrong.push(message));
    for (const name of PAGES) {
      await page.goto(`${site.origin}/${name}.html`);
      const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (excess > 0) wrong.push(`${name} is ${excess} pixels wider than a phone`);
    }
    await page.goto(`${site.origin}/docs/classify.html`);
    await page.getByRole('button', { name: 'The sample dog' }).click();
    await page.getByRole('listitem').filter({ hasText: 'dog' }).filter({ hasText: '%' }).waitFor({ timeout: 60_000 });
    await page.goto(`${site.origin}/docs/embed.html`);
    await page.getByRole('button', { name: 'Like the sample dog' }).click();
    // Itself, and whatever the embedded model takes for the next one.
    await page.getByRole('listitem').filter({ hasText: '1.00' }).waitFor({ timeout: 60_000 });
    return wrong.join('\n');
  } finally {
    await browser.close();
    site.close();
  }
}
