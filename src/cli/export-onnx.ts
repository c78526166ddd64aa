/**
 * `vit-webgpu export-onnx`: a converted model to one ONNX file.
 */
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { exportOnnx, type OnnxOptions, readTensors } from '../convert/export-onnx.ts';
import type { Pieces } from '../convert/onnx/encode-model.ts';
import { ViTError } from '../error.ts';
import { OUTPUT_NAMES, type OutputName } from '../model/outputs.ts';
import type { Manifest } from '../weights/manifest.ts';
import { parseManifest } from '../weights/parse-manifest.ts';
import { verify } from '../weights/verify.ts';
import { fileIn, readJson, requireFile } from './command-files.ts';
import { parseNames } from './flags.ts';
import { formatBytes, type Terminal } from './terminal.ts';

interface Flags extends OnnxOptions {
  out: string;
}

export function exportOnnxCommand(terminal: Terminal): Command {
  return new Command('export-onnx')
    .description('write a converted model as an ONNX file (opset 17, f32)')
    .argument('<model>', 'a model.json, or its folder')
    .requiredOption('--out <file>', 'file to write')
    .option('--outputs <names>', `some of ${OUTPUT_NAMES.join(',')} (default: the first there is)`, parseOutputs)
    .addOption(new Option('--tower <which>', 'network of the model').choices(['image', 'text']).default('image'))
    .action(async (path: string, { out, ...options }: Flags) => {
      const file = fileIn(path, 'model.json');
      requireFile(file);
      const manifest = parseManifest(await readJson(file), file);
      const tensors = await readTensors(manifest, readShards(manifest, dirname(file)));
      const pieces = exportOnnx(manifest, (name) => tensors.get(name)!, options);
      const bytes = await writePieces(out, pieces);
      terminal.print(`${out}: ${manifest.name}, ${formatBytes(bytes)}`);
    });
}

function parseOutputs(text: string): OutputName[] {
  return parseNames(text).map((name) => {
    const output = OUTPUT_NAMES.find((candidate) => candidate === name);
    if (!output) throw new InvalidArgumentError(`Give some of ${OUTPUT_NAMES.join(',')}.`);
    return output;
  });
}

async function* readShards({ shards }: Manifest, folder: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const shard of shards) {
    const path = join(folder, shard.file);
    requireFile(path);
    yield await verify(new Uint8Array(await readFile(path)), shard);
  }
}

/** Under another name until it is complete. @returns bytes written */
async function writePieces(path: string, pieces: Pieces): Promise<number> {
  const partial = `${path}.partial-${process.pid}`;
  try {
    const file = await open(partial, 'w');
    try {
      for (const piece of pieces) await file.writeFile(piece);
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true });
    throw new ViTError('bad-input', `${path} cannot be written: ${(cause as Error).message}.`, { cause });
  }
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
