/**
 * The built engine in a worker of the test's, which can end the workers of its team: a page's own thread could not see those.
 */
import type { Page } from '@playwright/test';

/**
 * @param code of the worker, which has `loadViT` and, in the order of their start, `workers`. It posts one message
 * @returns that message
 */
export function runEngineInWorker<T>(page: Page, code: string): Promise<T> {
  return page.evaluate((code) => {
    const script = `
      import { loadViT } from '${location.origin}/lib/index.js';
      const workers = [];
      const Original = Worker;
      globalThis.Worker = class extends Original {
        constructor(...given) {
          super(...given);
          workers.push(this);
        }
      };
      ${code}`;
    const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    return new Promise<T>((resolve, reject) => {
      const worker = new Worker(url, { type: 'module' });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
  }, code);
}
