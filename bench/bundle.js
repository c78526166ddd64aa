/**
 * `npm run bench:bundle`: the Node benchmark with everything it needs in one archive, for a machine with a GPU and without
 * network: Node itself, Dawn, the built library, the peers that `npm ci --prefix bench` installed. Weights come from a
 * seed. How to run it is in the archive's README.md.
 *
 *   npm run bench:bundle [-- --lib FILE…]    puts shared libraries into it, such as libvulkan.so.1
 *
 * The archive is for the system and CPU that it is packed on. It is compressed by xz, which saves a third beside gzip.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { BUILD, buildBenchmark } from './build.js';

const MAX_BYTES = 60e6;
const NAME = 'vit-webgpu-bench';
const PLATFORM = `${process.platform}-${process.arch}`;

const { lib } = new Command('bench:bundle').option('--lib <file...>', 'shared libraries to take along').parse().opts();
const libraries = (lib ?? []).map((file) => resolve(file));

await buildBenchmark('node');
const staging = resolve('.cache/bench-bundle');
const folder = join(staging, NAME);
rmSync(staging, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

cpSync(process.execPath, join(folder, 'node'), { dereference: true });
cpSync(join(BUILD, 'node'), join(folder, 'bench'), { recursive: true });
writeFileSync(join(folder, 'bench/package.json'), '{ "type": "module" }\n');
copyPackage('node_modules/webgpu', ['index.js', 'types.d.ts', 'LICENSE.md', `dist/${dawnFolder()}`]);
for (const file of libraries) cpSync(file, join(folder, 'lib', basename(file)), { dereference: true });
// Not only a peer: it computes the golden of models from a seed.
const peer = 'bench/node_modules/onnxruntime-node';
if (!existsSync(peer)) throw new Error('onnxruntime-node is not installed: npm ci --prefix bench');
copyPackage(peer, ['dist', `bin/napi-v6/${process.platform}/${process.arch}`]);
copyPackage('bench/node_modules/onnxruntime-common', ['dist/cjs']);
cpSync('bench/bundle-README.md', join(folder, 'README.md'));
cpSync('LICENSE', join(folder, 'LICENSE'));
writeFileSync(
  join(folder, 'run.sh'),
  `#!/bin/sh
cd "$(dirname "$0")" || exit 1
[ -d lib ] && export LD_LIBRARY_PATH="$PWD/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec ./node bench/start.js "$@"
`,
);
chmodSync(join(folder, 'run.sh'), 0o755);
writeFileSync(
  join(folder, 'bench/start.js'),
  `import { loadavg } from 'node:os';
const loadBefore = loadavg()[0];
const { run } = await import('./node.js');
process.exitCode = await run(process.argv.slice(2), loadBefore);
`,
);

const archive = resolve(`bench/results/${NAME}-${PLATFORM}.tar.xz`);
mkdirSync(dirname(archive), { recursive: true });
const { status, error } = spawnSync('tar', ['-cJf', archive, '-C', staging, NAME], {
  stdio: 'inherit',
  env: { ...process.env, XZ_OPT: '-6 -T0' },
});
if (status !== 0) throw error ?? new Error(`tar ended with ${status}: it needs xz.`);
const { size } = statSync(archive);
console.log(`${archive}: ${(size / 1e6).toFixed(1)} MB`);
if (size > MAX_BYTES) throw new Error(`The archive is larger than ${MAX_BYTES / 1e6} MB.`);
rmSync(staging, { recursive: true });

/** What a package needs to run, without its sources, maps and other platforms. */
function copyPackage(from, parts) {
  const to = join(folder, 'node_modules', JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')).name);
  for (const part of ['package.json', ...parts]) {
    if (!existsSync(join(from, part))) throw new Error(`${from} holds no ${part}.`);
    cpSync(join(from, part), join(to, part), { recursive: true, filter: (path) => !path.endsWith('.map') });
  }
}

function dawnFolder() {
  return process.platform === 'darwin' ? 'darwin-universal' : PLATFORM;
}
