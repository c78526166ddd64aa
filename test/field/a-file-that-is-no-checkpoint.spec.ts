/**
 * What people hand over in place of a checkpoint is called what it is, with the way out.
 */
import { describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../src/convert/open.ts';
import { bytesSource } from '../../src/convert/source.ts';
import { checkpointOfShapes, decisionOf, openField } from '../harness/field.ts';

describe('by its first bytes', () => {
  test.each([
    ['lfs.safetensors', 'a Git LFS pointer', 'git lfs pull'],
    ['html.safetensors', 'a web page', 'download the file itself'],
    ['model.onnx', 'ONNX', 'Convert the checkpoint that it was made from'],
    ['model.gguf', 'GGUF', 'Convert the checkpoint that it was made from'],
    ['flax_model.msgpack', 'MessagePack', 'numpy.savez'],
    ['tf_model.h5', 'HDF5', 'numpy.savez'],
    ['empty.pth', 'empty', 'downloaded completely'],
  ])('%s', async (file, title, wayOut) => {
    await expect(openField(`files/${file}`)).rejects.toThrow(new RegExp(`${title}.*${wayOut}`));
  });

  test.each([
    ['a page that begins with space', '\n  <html lang="en">', 'a web page'],
    ['an XML error of a store', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', 'a web page'],
    ['TensorFlow Lite', '\x1c\0\0\0TFL3\0\0\0\0', 'TensorFlow Lite'],
    ['tar', `model/${'\0'.repeat(251)}ustar`, 'a tar archive'],
  ])('%s', async (_, text, title) => {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    await expect(openCheckpoint(bytesSource(bytes))).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining(title),
    });
  });
});

test('a PEFT adapter, by the names of its tensors', async () => {
  const query = 'base_model.model.vit.encoder.layer.0.attention.attention.query';
  const adapter = checkpointOfShapes({ [`${query}.lora_A.weight`]: [8, 48], [`${query}.lora_B.weight`]: [48, 8] });
  expect(await decisionOf(adapter, {})).toMatchObject({
    code: 'unsupported-model',
    message: expect.stringMatching(/PEFT adapter.*merge_and_unload/),
  });
});
