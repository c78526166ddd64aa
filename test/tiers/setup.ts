/**
 * Gives a test in Node what a page has: `navigator.gpu`.
 */
import { startDawn } from '../harness/dawn.ts';

Object.defineProperty(globalThis, 'navigator', { value: { gpu: startDawn() }, configurable: true });
