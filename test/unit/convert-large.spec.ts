/**
 * A checkpoint that is larger than what the converter may hold: 2.2 GB, of zeros, in a file without blocks on disk. What the
 * system says of this process counts, Node and the test included.
 */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileSource } from '../../src/cli/file-source.ts';
import { elementCount } from '../../src/convert/checkpoint.ts';
import { convertCheckpoint } from '../../src/convert/convert.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { type Architecture, withDefaults } from '../../src/model/architecture.ts';
import { tensorShapes } from '../../src/model/tensors.ts';
import { safetensorsFile } from '../harness/checkpoints.ts';
import { TIMM } from '../harness/timm-answers.ts';

/** As wide as a ViT-g, but with two tokens, so that the golden takes no time; more bytes than 31 bits count. */
const ARCHITECTURE: Architecture = {
  imageSize: [4, 4],
  patchSize: [4, 4],
  channels: 3,
  width: 1408,
  depth: 22,
  heads: 16,
  mlpWidth: 6144,
  classes: 10,
  activation: 'gelu',
  epsilon: 1e-6,
};

test('converting 2.2 GB takes less than 500 MB of memory', { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
  const file = join(folder, 'model.safetensors');
  try {
    let end = 0;
    const entries = [...tensorShapes(withDefaults(ARCHITECTURE))].map(([name, shape]) => {
      const begin = end;
      end += 4 * elementCount(shape);
      return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }];
    });
    const header = safetensorsFile(Object.fromEntries(entries));
    writeFileSync(file, header);
    truncateSync(file, header.length + end);
    expect(end).toBeGreaterThan(2 ** 31);

    const source = await FileSource.open(file);
    let written = 0;
    const sink = {
      async write(_: string, bytes: Uint8Array) {
        written += bytes.length;
      },
    };
    const manifest = await convertCheckpoint(await openCheckpoint(source), sink, {
      name: 'large',
      heads: ARCHITECTURE.heads,
      ...TIMM,
      pooling: 'class',
      preprocess: {
        resize: { mode: 'squash', height: 4, width: 4 },
        filter: 'bilinear',
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
      },
    });
    await source.close();
    expect(written).toBeGreaterThan(end);
    expect(manifest.golden.logits).toEqual(new Array(10).fill(0));
    // The most that it ever was, in kilobytes.
    const peak = 1024 * process.resourceUsage().maxRSS;
    console.log(`2.2 GB converted with ${Math.round(peak / 1e6)} MB of memory`);
    expect(peak).toBeLessThan(500e6);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
