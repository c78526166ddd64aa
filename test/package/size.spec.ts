/**
 * The script a page downloads: library, worker and shaders together stay below 60 KB, compressed. The classification page has
 * a script of its own besides.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@playwright/test';

const BUDGETS = { 'dist/lib': 60_000, 'dist/page': 60_000 + 4_000 };

for (const [folder, budget] of Object.entries(BUDGETS)) {
  test(`${folder} is within the budget`, () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    // A page loads the engine in its worker, or with `worker: false` as host.js; never both.
    const scripts = files.filter((file) => file.endsWith('.js') && !/\bhost\b/.test(file));
    const sizes = scripts.map((file) => gzipSync(readFileSync(join(folder, file))).length);
    const total = sizes.reduce((a, b) => a + b, 0);
    console.log(`${folder}: ${total} bytes gzip (${scripts.map((file, i) => `${file} ${sizes[i]}`).join(', ')})`);
    expect(scripts.length).toBeGreaterThan(1);
    expect(total).toBeGreaterThan(10_000);
    expect(total).toBeLessThanOrEqual(budget);
  });
}
