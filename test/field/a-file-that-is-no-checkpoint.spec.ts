/**
 * What people hand over in place of a checkpoint is called what it is, with the way out.
 */
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../src/convert/byte-source.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
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
    ['a page behind a byte order mark', '\xef\xbb\xbf<html><head></head></html>', 'a web page'],
    ['zstd', '\x28\xb5\x2f\xfd\0\0\0\0\0', 'zstd'],
    ['xz', '\xfd7zXZ\0\0\0\0', 'xz'],
    ['bzip2', 'BZh91AY&SY', 'bzip2'],
    ['7z', '7z\xbc\xaf\x27\x1c\0\x04', 'a 7z archive'],
    ['RAR', 'Rar!\x1a\x07\x01\0', 'a RAR archive'],
    ['PDF', '%PDF-1.7\n%', 'a PDF'],
    ['a photo', '\xff\xd8\xff\xe0\0\x10JFIF\0', 'a picture'],
    ['a screenshot', '\x89PNG\r\n\x1a\n\0\0', 'a picture'],
    ['an answer of a server', 'Entry not found', 'it is text, and begins "Entry not found"'],
    ['a short one', 'no', 'it is text, and begins "no"'],
    ['anything', '\x0a\x05\x0a\x03abc\xff\xff', 'it begins with the bytes 0a 05 0a 03 61 62 63 ff'],
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
