/**
 * `vit-webgpu convert`: a checkpoint to a folder with `model.json` and shards.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { type ConvertOptions, convertCheckpoint } from '../convert/convert.ts';
import type { Finding } from '../convert/decisions.ts';
import { LAYOUTS } from '../convert/families/index.ts';
import { openCheckpoint } from '../convert/open.ts';
import { ViTError } from '../error.ts';
import { ACTIVATIONS, type Activation } from '../model/architecture.ts';
import { type Crop, FILTERS, type Filter, type Preprocess, type Resize } from '../model/preprocess.ts';
import type { Dtype, Manifest } from '../weights/manifest.ts';
import { FileSource, sha256OfFile } from './file-source.ts';
import { fileIn, readJson, requireFile } from './files.ts';
import { parseCount, parseCrop, parseNames, parseNumber, parseNumbers, parseResize, parseSize } from './flags.ts';
import { writeFolder } from './output-folder.ts';
import { count, formatBytes, type Terminal, table } from './terminal.ts';

interface Flags {
  out: string;
  force: boolean;
  name?: string;
  repository?: string;
  revision?: string;
  license?: string;
  config?: string;
  preprocessor?: string;
  labels?: string;
  layout: string;
  dtype: Dtype;
  heads?: number;
  epsilon?: number;
  activation?: Activation;
  normFirst?: boolean;
  normLast?: boolean;
  qkScale?: number;
  imageSize?: [number, number];
  mean?: number[];
  std?: number[];
  filter?: Filter;
  resize?: Resize | null;
  crop?: Crop | null;
  ignore?: string[];
  shardSize?: number;
}

export function convertCommand(terminal: Terminal): Command {
  return new Command('convert')
    .description('convert a checkpoint to model.json and shards')
    .argument('<checkpoint>', 'a .safetensors file, or a folder with model.safetensors')
    .requiredOption('--out <dir>', 'folder to write')
    .option('--force', 'replace the folder when it is not empty', false)
    .option('--name <name>', "the model's name (default: the name of the folder)")
    .option('--config <file>', 'config.json of transformers or timm (default: the one beside the checkpoint)')
    .option('--preprocessor <file>', 'preprocessor_config.json (default: the one beside the checkpoint)')
    .option('--labels <file>', 'JSON array with one label per class')
    .addOption(new Option('--layout <layout>', 'tensor names').choices(['auto', ...LAYOUTS]).default('auto'))
    .addOption(new Option('--dtype <dtype>', 'number format of the shards').choices(['f32', 'f16']).default('f32'))
    .option('--heads <n>', 'attention heads', parseCount)
    .option('--epsilon <x>', 'of the layer norms', parseNumber)
    .addOption(new Option('--activation <name>', 'of the MLPs').choices(ACTIVATIONS))
    .addOption(new Option('--norm-first', 'norms stand before attention and MLP').conflicts('normLast'))
    .option('--norm-last', 'norms stand after attention and MLP')
    .option('--qk-scale <x>', 'what Q times K is multiplied with', parseNumber)
    .option('--image-size <HxW>', 'in pixels', parseSize)
    .option('--mean <a,b,c>', 'of the pixels, per channel, in 0..1', parseNumbers)
    .option('--std <a,b,c>', 'of the pixels, per channel, in 0..1', parseNumbers)
    .addOption(new Option('--filter <filter>', 'for resizing').choices(FILTERS))
    .option(
      '--resize <how>',
      'squash:HxW | shortest-edge:N[:trunc|round] | longest-edge:N[:trunc|round] | none',
      parseResize,
    )
    .option('--crop <how>', 'HxW[:half-even|floor] | none', parseCrop)
    .option('--ignore <names>', 'tensors to leave out, separated by commas', parseNames)
    .option('--shard-size <bytes>', 'of each shard, a multiple of 256 (default: 8 MiB)', parseCount)
    .option('--repository <url>', 'where the checkpoint comes from, for model.json')
    .option('--revision <id>', 'of the repository, for model.json')
    .option('--license <id>', 'of the checkpoint, for model.json')
    .action((checkpoint: string, flags: Flags) => convert(checkpoint, flags, terminal));
}

async function convert(path: string, flags: Flags, terminal: Terminal): Promise<void> {
  const file = fileIn(path, 'model.safetensors');
  requireFile(file);
  const { repository, revision, license, layout, dtype, ignore, shardSize: shardBytes } = flags;
  const options: ConvertOptions = {
    name: flags.name ?? basename(resolve(flags.out)),
    source: { repository, revision, license },
    layout,
    dtype,
    ignore,
    shardBytes,
    heads: flags.heads,
    epsilon: flags.epsilon,
    activation: flags.activation,
    imageSize: flags.imageSize,
    normFirst: flags.normLast ? false : flags.normFirst,
    qkScale: flags.qkScale,
    config: await readConfigFile(flags.config, file, 'config.json', terminal),
    preprocessor: await readConfigFile(flags.preprocessor, file, 'preprocessor_config.json', terminal),
    labels: flags.labels === undefined ? undefined : await readLabels(flags.labels),
    preprocess: preprocessOf(flags),
    onFindings: (findings) => printFindings(findings, terminal),
    onProgress: (done, total) => terminal.progress(`writing ${Math.floor((100 * done) / total)} %`),
  };
  const source = await FileSource.open(file);
  try {
    const checkpoint = await openCheckpoint(source);
    options.source!.sha256 = await sha256OfFile(file);
    let manifest!: Manifest;
    await writeFolder(flags.out, flags.force, async (folder) => {
      const sink = { write: (name: string, bytes: Uint8Array) => writeFile(join(folder, name), bytes) };
      manifest = await convertCheckpoint(checkpoint, sink, options);
    });
    terminal.progress('');
    const bytes = manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
    terminal.print(`${flags.out}: ${formatBytes(bytes)} of ${dtype} in ${count(manifest.shards.length, 'shard')}`);
  } finally {
    await source.close();
  }
}

/** The file that was named, else the one beside the checkpoint, which is where both libraries save it. */
async function readConfigFile(
  given: string | undefined,
  checkpoint: string,
  name: string,
  terminal: Terminal,
): Promise<unknown> {
  if (given !== undefined) return readJson(given);
  const beside = join(dirname(checkpoint), name);
  if (!existsSync(beside)) return undefined;
  terminal.print(`reading ${beside}`);
  return readJson(beside);
}

async function readLabels(path: string): Promise<string[]> {
  const labels = await readJson(path);
  if (Array.isArray(labels) && labels.every((label) => typeof label === 'string')) return labels;
  throw new ViTError('bad-input', `${path} must be a JSON array of strings.`);
}

/** Only what was given: `null` means none, and an absent part is looked for elsewhere. */
function preprocessOf({ resize, filter, crop, mean, std }: Flags): Partial<Preprocess> {
  return { resize, filter, crop, mean, std };
}

function printFindings(findings: Finding[], terminal: Terminal): void {
  for (const line of table(findings.map(({ what, value, why }) => [what, value, why]))) terminal.print(line);
}
