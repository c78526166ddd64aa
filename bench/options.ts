/**
 * The flags of both benchmarks.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Limits } from './compare.ts';
import { SIZE_NAMES, type Size } from './models.ts';

export interface Options extends Limits {
  models: Size[];
  imageSizes: number[];
  batch: number[];
  dtype: 'f32' | 'f16';
  systems?: string[];
  adapter: string;
  cpu?: boolean;
  lavapipe?: boolean;
  matmul: boolean;
  scaling: boolean;
  write: boolean;
  section?: string;
  requireIdle: boolean;
  results: string;
  cache: string;
}

/** @param systems names for `--systems` @param own options of this benchmark alone */
export function parseOptions(
  name: string,
  args: string[],
  { systems, own }: { systems: string[]; own: Option[] },
): Options {
  const command = new Command(name);
  for (const option of own) command.addOption(option);
  return command
    .option('--models <sizes>', `some of ${SIZE_NAMES.join(',')}`, listOf(parseSize), ['Ti'] satisfies Size[])
    .option('--image-sizes <pixels>', 'such as 224,384,518', listOf(parseCount), [224])
    .option('--batch <images>', 'such as 1,8,32, ascending', listOf(parseCount), [1, 8])
    .addOption(new Option('--dtype <dtype>', 'of the stored weights').choices(['f32', 'f16']).default('f32'))
    .option('--systems <names>', `some of ${systems.join(',')}`, listOf(oneOf(systems)))
    .option('--no-matmul', 'leave the comparison of matrix products out')
    .option('--scaling', 'one system alone, its image sizes in turn: how its cost grows', false)
    .option('--loads <n>', 'first results of each system, in turn; of several the one in the middle', parseCount, 1)
    .option('--min-rounds <n>', 'rounds of each system at least', parseCount, 3)
    .option('--max-rounds <n>', 'and at most', parseCount, 30)
    .option('--budget <seconds>', 'of each system and batch size, beyond the least rounds', parseCount, 15)
    .option('--longest-run <seconds>', 'leave out what would take longer for one batch', parseCount, 120)
    .option(
      '--settle <seconds>',
      'pause after a warm-up run, for tuning (default: 5 on a GPU, 0 without)',
      parseSeconds,
    )
    .option('--require-idle', 'refuse to run on a machine that is busy', false)
    .option('--write', 'put the tables into bench/RESULTS.md', false)
    .option('--section <words>', 'into a section of their own, beside those of other runs on the same adapter')
    .option('--results <folder>', 'for JSON and charts', 'bench/results')
    .option('--cache <folder>', 'for models that are made once', '.cache/bench')
    .parse(args, { from: 'user' })
    .opts<Options>();
}

function listOf<T>(parse: (text: string) => T): (text: string) => T[] {
  return (text) => text.split(',').map(parse);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Give whole numbers above 0.');
  return Number(text);
}

function parseSeconds(text: string): number {
  return text === '0' ? 0 : parseCount(text);
}

const parseSize = oneOf(SIZE_NAMES);

function oneOf<T extends string>(names: readonly T[]): (text: string) => T {
  return (text) => {
    const name = names.find((candidate) => candidate === text);
    if (!name) throw new InvalidArgumentError(`Give some of ${names.join(',')}.`);
    return name;
  };
}
