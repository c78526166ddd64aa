import { chromeArguments } from '../../src/cli/chrome.ts';

/** What a Chrome looks for by itself, whatever its pages do: updates, the components it downloads, accounts, field trials. */
const OWN = [
  'update.googleapis.com',
  '*.gvt1.com',
  'accounts.google.com',
  'clients2.google.com',
  'clientservices.googleapis.com',
  'content-autofill.googleapis.com',
  'optimizationguide-pa.googleapis.com',
];

/**
 * How benchmarks start Chrome. SwiftShader computes on the CPU, with the same results everywhere; with `VIT_ADAPTER=gpu` they
 * run on the machine's own GPU. Nothing needs another host: others are nowhere or, in a whole run (test/run.js), at an
 * address that writes down who was wanted.
 */
export const BENCH_CHROME_ARGS = [
  ...chromeArguments({ software: process.env.VIT_ADAPTER !== 'gpu' }),
  `--host-resolver-rules=${[
    'EXCLUDE localhost',
    'EXCLUDE 127.0.0.1',
    ...OWN.map((host) => `MAP ${host} ~NOTFOUND`),
    `MAP * ${process.env.VIT_ELSEWHERE ?? '~NOTFOUND'}`,
  ].join(', ')}`,
];

/**
 * How tests do: workgroup memory is zeroed by a loop of Dawn's, and not by SwiftShader, which compiles a store for each number
 * of it, ten times as long where a tile is shared.
 */
export const CHROME_ARGS = [
  ...BENCH_CHROME_ARGS,
  '--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension',
  // test/harness/collect-garbage.ts
  '--js-flags=--expose-gc',
];
