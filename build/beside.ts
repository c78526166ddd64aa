/**
 * The files that lie beside `index.js` and are named in it by their address: the worker and the annexes. Each script is a
 * build of its own, so that it holds all it needs and imports nothing; other files are copied.
 */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { build, type InlineConfig, type Plugin } from 'vite';

/** Names and licences of the code of others that a build contains. */
export const NOTICES = { fileName: 'THIRD-PARTY.md' };

const ADDRESS = /new URL\('(\.[\w./-]+\.\w+)', import\.meta\.url\)/g;

/**
 * `new URL('../worker/worker.ts', import.meta.url)` becomes `new URL("./worker.js", import.meta.url)`, the one form that all
 * bundlers know. Vite itself would put the file's text there, or nest the address in another one that they do not know, so it
 * is shown a placeholder.
 *
 * @param common what the builds of all files share
 */
export function besideIndex(common: InlineConfig): Plugin {
  /** Sources, by the name of the file. */
  const files = new Map<string, string>();
  let outDir: string;
  return {
    name: 'beside-index',
    enforce: 'pre',
    configResolved: (config) => {
      outDir = config.build.outDir;
    },
    transform(code, id) {
      return code.replace(ADDRESS, (_, path: string) => {
        const file = basename(path).replace(/\.ts$/, '.js');
        files.set(file, resolve(dirname(id), path));
        return `__BESIDE__('./${file}')`;
      });
    },
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        for (const chunk of Object.values(bundle)) {
          if (chunk.type !== 'chunk') continue;
          chunk.code = chunk.code.replace(/__BESIDE__\(["'`](.*?)["'`]\)/g, 'new URL("$1",import.meta.url)');
        }
      },
    },
    async closeBundle() {
      for (const [file, source] of files) {
        if (extname(source) === '.ts') await buildScript(file, source, outDir, common);
        else copyFileSync(source, join(outDir, file));
      }
    },
  };
}

/** The same addresses in a script of another folder: there `library` is that of `index.js`. */
export function besideLibrary(library: string): Plugin {
  return {
    name: 'beside-library',
    enforce: 'pre',
    transform: (code) =>
      code.replace(ADDRESS, (whole, path: string) =>
        /^\.\/(worker|team-member)\.js$/.test(path)
          ? whole
          : `new URL('${library}/${basename(path).replace(/\.ts$/, '.js')}', import.meta.url)`,
      ),
  };
}

/** Below this size Vite makes a file a `data:` address within the code, which a Content Security Policy may refuse. */
const INLINED = 4096;

async function buildScript(file: string, source: string, outDir: string, common: InlineConfig) {
  const lib = { entry: { [basename(file, '.js')]: source }, formats: ['es' as const] };
  const license = { fileName: `${file}.md` };
  await build({ ...common, configFile: false, build: { ...common.build, outDir, emptyOutDir: false, lib, license } });
  const path = join(outDir, file);
  // What exports nothing is never shaken.
  const code = readFileSync(path, 'utf8').replaceAll('/* @__PURE__ */', '');
  const padding = ' '.repeat(Math.max(0, INLINED - code.length));
  writeFileSync(path, `${code}//${padding}\n`);
  addNotices(join(outDir, NOTICES.fileName), join(outDir, license.fileName));
}

/** Adds to the licences of `index.js` those that this script alone needs. */
function addNotices(path: string, added: string): void {
  const all = readFileSync(path, 'utf8');
  const [, ...sections] = readFileSync(added, 'utf8').split(/^(?=## )/m);
  const missing = sections.filter((section) => !all.includes(section.split('\n', 1)[0]));
  writeFileSync(path, `${[all.trimEnd(), ...missing.map((section) => section.trimEnd())].join('\n\n')}\n`);
  rmSync(added);
}
