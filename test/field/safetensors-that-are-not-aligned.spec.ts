import { expect, test } from 'vitest';
import { bytesSource } from '../../src/convert/byte-source.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { safetensorsFile } from '../harness/checkpoints.ts';

test('a safetensors file whose tensors are not aligned is read: the format asks for no alignment', async () => {
  const data = new Uint8Array(11);
  new DataView(data.buffer).setFloat32(3, 1.5, true);
  new DataView(data.buffer).setFloat32(7, -2, true);
  const header = {
    odd: { dtype: 'U8', shape: [3], data_offsets: [0, 3] },
    weight: { dtype: 'F32', shape: [2], data_offsets: [3, 11] },
  };
  const checkpoint = await openCheckpoint(bytesSource(safetensorsFile(header, data)));
  expect([...(await checkpoint.read('weight'))]).toEqual([1.5, -2]);
});
