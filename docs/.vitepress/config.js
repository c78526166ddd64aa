/**
 * A site of what is in this folder, and of a few files around it. A page has the address that its file has in the
 * repository, so that a link from one to another is right in both.
 */
import { cpSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineConfig } from 'vitepress';
import { linksToFiles } from './links.js';
import PAGES from './pages.json' with { type: 'json' };

const ROOT = resolve(import.meta.dirname, '../..');
const { DOCS_BASE: base = '/', DOCS_SOURCE: source } = process.env;
/** At this address while developing, too. */
const MODEL = 'weights/vit-cifar10';
const files = PAGES.flatMap(({ items }) => items.map(({ file }) => file));

export default defineConfig({
  title: 'vit-webgpu',
  description: 'Vision Transformers in the browser: hand-written WebGPU kernels, the same numbers as in Python',
  lang: 'en',
  base,
  srcDir: '..',
  srcExclude: ['{src,test,build,dist}/**', 'examples/*/**', 'bench/bundle-README.md', 'docs/api/index.md'],
  rewrites: { 'docs/index.md': 'index.md' },
  head: [['link', { rel: 'icon', href: `${base}icon.svg` }]],
  vite: {
    // The repository has one of its own.
    configFile: false,
    plugins: [packagesOfThisFolder()],
  },
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: (md) => md.use(linksToFiles, { root: ROOT, pages: [...files, 'docs/index.md'], source }),
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/docs/guide' },
      { text: 'API', link: '/docs/api/vit-webgpu' },
      { text: 'Results', link: '/bench/RESULTS' },
      { text: 'Try it', link: `${base}try/index.html`, target: '_self' },
    ],
    sidebar: PAGES.map(({ text, items }) => ({
      text,
      items: items.map(({ text, file }) => ({ text, link: `/${file.replace(/\.md$/, '')}` })),
    })),
  },
  /** What examples on the pages fetch, and the page of this project. */
  buildEnd({ outDir }) {
    cpSync(join(ROOT, MODEL), join(outDir, MODEL), { recursive: true });
    cpSync(join(ROOT, 'dist/page'), join(outDir, 'try'), { recursive: true });
  },
});

/** For pages outside of it, which are made components of Vue as well. */
function packagesOfThisFolder() {
  return {
    name: 'packages-of-this-folder',
    enforce: 'pre',
    resolveId(id, importer, options) {
      if (!/^vue(\/|$)/.test(id)) return null;
      if (options.ssr) return { id, external: true };
      if (!importer?.endsWith('.md')) return null;
      return this.resolve(id, import.meta.filename, { ...options, skipSelf: true });
    },
  };
}
