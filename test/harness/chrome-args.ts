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
 * How tests start Chrome. SwiftShader computes on the CPU, with the same results everywhere; with `VIT_ADAPTER=gpu` the tests
 * run on the machine's own GPU. No test needs another host: they are nowhere or, in a whole run (test/run.js), at an
 * address that writes down who was wanted.
 */
export const CHROME_ARGS = [
  ...chromeArguments({ software: process.env.VIT_ADAPTER !== 'gpu' }),
  `--host-resolver-rules=${[
    'EXCLUDE localhost',
    'EXCLUDE 127.0.0.1',
    ...OWN.map((host) => `MAP ${host} ~NOTFOUND`),
    `MAP * ${process.env.VIT_ELSEWHERE ?? '~NOTFOUND'}`,
  ].join(', ')}`,
];
