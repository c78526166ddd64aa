/**
 * `node build/check-release.js vX.Y.Z`: whether this checkout is that release. Its tag, package.json, src/version.ts and the
 * changelog say the same, and the changelog gives it a day.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** @returns {string[]} what is wrong */
export function wrongWith(tag, { manifest, source, changelog }) {
  const { version } = JSON.parse(manifest);
  const heading = changelog.split('\n').find((line) => line.startsWith(`## [${version}]`)) ?? '';
  return [
    tag !== `v${version}` && `The tag is ${tag}, package.json says ${version}.`,
    !source.includes(`VERSION = '${version}'`) && `src/version.ts does not say ${version}.`,
    !/ - \d{4}-\d\d-\d\d$/.test(heading) && `CHANGELOG.md has no line "## [${version}] - YEAR-MONTH-DAY".`,
  ].filter(Boolean);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const read = (path) => readFileSync(path, 'utf8');
  const wrong = wrongWith(process.argv[2], {
    manifest: read('package.json'),
    source: read('src/version.ts'),
    changelog: read('CHANGELOG.md'),
  });
  for (const what of wrong) console.error(what);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
