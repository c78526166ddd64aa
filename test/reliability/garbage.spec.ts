/**
 * Calls that nobody holds on to, as most are: collecting garbage while they wait must not take them away.
 */
import { expect, test } from '@playwright/test';
import { type BuiltServer, serveBuilt } from './server.ts';

type Library = typeof import('../../src/index.ts');

let server: BuiltServer;
test.beforeAll(async () => {
  server = await serveBuilt();
});
test.afterAll(() => server.close());

/** Milliseconds; a load and an answer take one or two seconds. */
const FAR_TOO_LONG = 20_000;

for (const [how, backend, cache] of [
  ['from the network, for the CPU', 'cpu', false],
  ['from what was kept, for the CPU', 'cpu', true],
  ['from what was kept, for the GPU', 'webgpu', true],
] as const) {
  test(`five loads ${how}, each with an answer, while garbage is collected`, async ({ page }) => {
    await page.goto(server.origin);
    const session = await page.context().newCDPSession(page);
    const call = () =>
      page.evaluate(
        async ({ backend, cache }) => {
          const url = '/lib/index.js';
          const { loadViT }: Library = await import(url);
          const state = { ended: false, outcome: '' };
          Object.assign(globalThis, { state });
          // One device for all loads: to compile for each takes longer than all the rest.
          const page = globalThis as { device?: GPUDevice };
          if (backend === 'webgpu') page.device ??= await (await navigator.gpu.requestAdapter())!.requestDevice();
          loadViT('/weights/vit-cifar10/model.json', { backend, cache, worker: false, device: page.device })
            .then((vit) => vit.classify('/test/fixtures/vit-cifar10/test-00345.png').finally(() => vit.dispose()))
            .then(
              ([{ label }]) => Object.assign(state, { ended: true, outcome: label }),
              ({ message }) => Object.assign(state, { ended: true, outcome: message }),
            );
        },
        { backend, cache },
      );
    for (let i = 0; i < 5; i++) {
      await call();
      const begun = Date.now();
      do await session.send('HeapProfiler.collectGarbage');
      while (!(await page.evaluate('state.ended')) && Date.now() - begun < FAR_TOO_LONG);
      expect(await page.evaluate('state')).toEqual({ ended: true, outcome: 'dog' });
    }
  });
}
