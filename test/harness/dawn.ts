/**
 * Gives a test in Node what a page has: `navigator.gpu`, by Dawn. The environment chooses the driver.
 */
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
// Held by a global: Dawn crashes once its own object is collected.
const gpu = create(['enable-dawn-features=allow_unsafe_apis']);
Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
