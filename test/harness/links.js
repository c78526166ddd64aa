/**
 * Whether all that the pages of a built site point at is there: files, and places within pages.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/**
 * @param {string} folder
 * @param {string[]} except folders of sites that are no part of it
 * @returns {string[]} what is not there
 */
export function deadLinks(folder, except = []) {
  const files = readdirSync(folder, { recursive: true }).map((file) => file.replaceAll('\\', '/'));
  const pages = files.filter((file) => file.endsWith('.html') && !except.some((name) => file.startsWith(`${name}/`)));
  const texts = new Map(pages.map((page) => [page, readFileSync(join(folder, page), 'utf8')]));
  const places = new Map([...texts].map(([page, text]) => [page, new Set(valuesOf('id', text))]));
  return pages.flatMap((page) =>
    [...new Set([...valuesOf('href', texts.get(page)), ...valuesOf('src', texts.get(page))])]
      .filter((address) => !/^[a-z][a-z+.-]*:|^\/\//i.test(address) && isDead(address, page))
      .map((address) => `${page}: ${address}`),
  );

  function isDead(address, page) {
    const [, path, hash] = /^([^#?]*)[^#]*(?:#(.*))?$/.exec(address);
    const target = path === '' ? page : posix.join(path.startsWith('/') ? '' : posix.dirname(page), decodeURI(path));
    const file = fileOf(posix.normalize(`./${target}`));
    if (!file) return true;
    return Boolean(hash) && places.has(file) && !places.get(file).has(decodeURIComponent(hash));
  }

  function fileOf(path) {
    const found = [path, `${path}.html`, posix.join(path, 'index.html')].find(
      (file) => existsSync(join(folder, file)) && statSync(join(folder, file)).isFile(),
    );
    return found?.replace(/^\.\//, '');
  }
}

function valuesOf(attribute, html) {
  const found = html.matchAll(new RegExp(`\\s${attribute}="([^"]*)"`, 'g'));
  return [...found].map(([, value]) => value.replaceAll('&amp;', '&'));
}
