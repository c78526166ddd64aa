/**
 * `vit-webgpu inspect`: what a checkpoint or a converted model holds.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import type { Checkpoint } from '../convert/checkpoint.ts';
import { CHECKPOINT_NAMES } from '../convert/choose-files.ts';
import { familyOf, forPatches } from '../convert/families/index.ts';
import { modelTensors } from '../convert/model-tensors.ts';
import { unwrap } from '../convert/prefix.ts';
import { unscan } from '../convert/unscan.ts';
import { ViTError } from '../error.ts';
import { parameterCount } from '../model/tensors.ts';
import type { Calibration, ShardEntry } from '../weights/manifest.ts';
import { parseManifest } from '../weights/parse-manifest.ts';
import { verify } from '../weights/verify.ts';
import { CheckpointFiles } from './checkpoint-files.ts';
import { fileIn, readJson, requireFile } from './command-files.ts';
import { formatBytes, type Terminal, table } from './terminal.ts';

export function inspectCommand(terminal: Terminal): Command {
  return new Command('inspect')
    .description('print what a checkpoint or a converted model holds, and check its hashes')
    .argument('<path>', 'a checkpoint, a model.json, or the folder of either')
    .action(async (path: string) => {
      const file = fileIn(path, 'model.json', ...CHECKPOINT_NAMES);
      requireFile(file);
      if (file.endsWith('.json') && !file.endsWith('.index.json')) await inspectModel(file, terminal);
      else await inspectCheckpoint(file, terminal);
    });
}

async function inspectCheckpoint(file: string, terminal: Terminal): Promise<void> {
  const files = await CheckpointFiles.open(file);
  try {
    const { format, tensors } = files.checkpoint;
    const dtypes = [...new Set([...tensors.values()].map(({ dtype }) => dtype))];
    terminal.print(`${file}: ${format}, ${tensors.size} tensors, ${dtypes.join(' and ')}, ${formatBytes(files.size)}`);
    for (const line of describeModel(files.checkpoint)) terminal.print(line);
    terminal.print('');
    const rows = [...tensors].map(([name, { dtype, shape, bytes }]) => [
      name,
      dtype,
      `[${shape.join(', ')}]`,
      formatBytes(bytes),
    ]);
    for (const line of table(rows)) terminal.print(line);
  } finally {
    await files.close();
  }
}

/** What conversion would make of it, as far as the tensors show; a checkpoint that cannot be converted says why. */
function describeModel(whole: Checkpoint): string[] {
  try {
    const { checkpoint, prefix, why } = unwrap(whole, {});
    const family = familyOf(checkpoint.tensors.keys(), { within: prefix });
    const { dimensions, ignored } = modelTensors(unscan(checkpoint, family), forPatches(family));
    const { patchSize, channels, width, depth, mlpWidth, classes, positions, heads } = dimensions;
    const patches = family.patchRules ? `of ${channels} numbers` : `of ${patchSize.join('x')}x${channels}`;
    return [
      ...table([
        ...(prefix ? [['prefix', `${prefix} (${why})`]] : []),
        ['layout', family.title],
        ['patches', patches],
        ['positions', positions === null ? 'none' : String(positions)],
        ['width', `${width}, MLP ${mlpWidth}`],
        ['depth', String(depth)],
        ['classes', String(classes)],
        ['heads', heads === null ? 'in no tensor' : String(heads)],
      ]),
      ...ignored.map(({ name, why }) => `${name} would be left out: ${why}`),
    ];
  } catch (error) {
    if (error instanceof ViTError) return [`Cannot be converted. ${error.message}`];
    throw error;
  }
}

async function inspectModel(file: string, terminal: Terminal): Promise<void> {
  const manifest = parseManifest(await readJson(file), file);
  const { name, source, architecture, preprocess, labels, problemType, calibration, tensors, shards } = manifest;
  const dtypes = [...new Set(Object.values(tensors).map(({ dtype }) => dtype))];
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const { imageSize, patchSize, channels, width, depth, heads, mlpWidth, classes, activation, epsilon } = architecture;
  const rows = [
    ['model', name],
    ...Object.entries(source).map(([key, value]) => [key, String(value)]),
    ['image', `${imageSize.join('x')}x${channels}, patches of ${patchSize.join('x')}`],
    ['width', `${width}, ${heads} heads, MLP ${mlpWidth} (${activation})`],
    ['depth', `${depth}, epsilon ${epsilon}`],
    ['classes', `${classes}, ${problemType}: ${labels.slice(0, 3).join(', ')}${classes > 3 ? ', …' : ''}`],
    ...(calibration ? [['calibration', calibrationText(calibration)]] : []),
    ['resize', JSON.stringify(preprocess.resize)],
    ['crop', JSON.stringify(preprocess.crop)],
    ['pixels', `${preprocess.filter}, mean ${preprocess.mean.join(', ')}, std ${preprocess.std.join(', ')}`],
    ['parameters', `${parameterCount(architecture)} in ${Object.keys(tensors).length} tensors`],
    ['weights', `${formatBytes(bytes)} of ${dtypes.join(' and ')}`],
  ];
  for (const line of table(rows)) terminal.print(line);
  terminal.print('');

  const states = await Promise.all(shards.map((shard) => stateOf(shard, dirname(file))));
  const shardRows = shards.map((shard, i) => [shard.file, formatBytes(shard.bytes), states[i] ?? 'hash verified']);
  for (const line of table(shardRows)) terminal.print(line);
  const broken = states.filter((state) => state !== undefined).length;
  if (broken > 0) throw new ViTError('bad-shard', `${broken} of ${shards.length} shards are not as ${file} says.`);
}

function calibrationText({ temperature, threshold, thresholds }: Calibration): string {
  const least = thresholds ? `${Math.min(...thresholds)} to ${Math.max(...thresholds)}, by the label` : threshold;
  return `temperature ${temperature}${least === undefined ? '' : `, not sure below ${least}`}`;
}

/** @returns what is wrong with a shard; `undefined` when nothing is. */
async function stateOf(shard: ShardEntry, folder: string): Promise<string | undefined> {
  try {
    const bytes = new Uint8Array(await readFile(join(folder, shard.file)));
    await verify(bytes, shard);
    // Loading checks the pieces alone, where there are some.
    if (shard.pieces) await verify(bytes, { ...shard, pieces: undefined });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
