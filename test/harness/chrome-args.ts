import { chromeArguments } from '../../src/cli/chrome.ts';

/**
 * How tests start Chrome. SwiftShader computes on the processor, the same everywhere; with `VIT_ADAPTER=gpu` the tests
 * run on the machine's own GPU.
 */
export const CHROME_ARGS = chromeArguments({ software: process.env.VIT_ADAPTER !== 'gpu' });
