/**
 * Links of a page to files of the repository that are no pages: they lead to where the source is, as `source` says, or are
 * the words alone where nobody says it.
 */
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';

/**
 * @param {import('markdown-it')} md
 * @param {{ root: string, pages: string[], source?: string }} options `source`: an address that ends in `/`
 */
export function linksToFiles(md, { root, pages, source }) {
  md.core.ruler.push('links-to-files', ({ tokens, env }) => {
    for (const { children } of tokens) {
      for (const [index, token] of (children ?? []).entries()) {
        const file = token.type === 'link_open' && fileOf(token.attrGet('href'), env.relativePath);
        if (!file) continue;
        if (source) token.attrSet('href', source + file);
        else silence(children, index);
      }
    }
  });

  function fileOf(href, page) {
    if (/^([a-z]+:|#|\/)/.test(href)) return null;
    const file = normalize(join(dirname(page), decodeURI(href).replace(/#.*/, '')));
    return !pages.includes(file) && existsSync(join(root, file)) ? file : null;
  }
}

function silence(tokens, from) {
  const to = tokens.findIndex(({ type }, index) => index > from && type === 'link_close');
  for (const index of [from, to]) Object.assign(tokens[index], { type: 'text', content: '', tag: '', nesting: 0 });
}
