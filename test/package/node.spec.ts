/**
 * The same engine in Node, given a device: as the benchmarks run it. The driver is the SwiftShader that comes with Chrome.
 */
import { spawnSync } from 'node:child_process';
import { expect, test } from '@playwright/test';
import { withSwiftShader } from '../harness/swiftshader.ts';

test('the golden of the embedded model holds on Dawn for Node', async () => {
  const { stdout, stderr, status } = await withSwiftShader((env) =>
    spawnSync(process.execPath, ['test/harness/node-engine.js'], { encoding: 'utf8', env }),
  );
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ backend: 'webgpu', selfTest: { passed: true } });
});
