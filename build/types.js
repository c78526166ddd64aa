/**
 * The types of each entry of the package, from those that `tsc` writes for each source: a file of what is public and what
 * that is made of, and nothing else. What others take from `index` they import from there, so that a `ViT` is one type.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

const FROM = 'dist/declarations';
const TO = 'dist/types';
const ENTRIES = {
  index: 'index',
  node: 'node/index',
  react: 'apps/react',
  element: 'apps/element',
  search: 'search/index',
};

rmSync(TO, { recursive: true, force: true });
mkdirSync(TO);
for (const [name, path] of Object.entries(ENTRIES)) {
  const build = await rolldown({
    input: { [name]: join(FROM, `${path}.d.ts`) },
    external: ['react'],
    plugins: [name !== 'index' && indexIsOutside(), dts({ dtsInput: true })],
  });
  const { output } = await build.generate({});
  // The name under which the documentation has them.
  const module = name === 'index' ? 'vit-webgpu' : `vit-webgpu/${name}`;
  writeFileSync(join(TO, `${name}.d.ts`), `/** @module ${module} */\n${output[0].code}\n`);
  await build.close();
}

// `worker` and `host` are run, not read.
writeFileSync(join(TO, 'script.d.ts'), 'export {};\n');

function indexIsOutside() {
  return {
    name: 'index-is-outside',
    resolveId: {
      order: 'pre',
      handler: (path) => (path === '../index.ts' ? { id: './index.js', external: true } : null),
    },
  };
}
