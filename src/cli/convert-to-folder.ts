/**
 * From a checkpoint on disk, with the files beside it, to a folder with `model.json` and shards: all of it, or nothing.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { configBeside, preprocessorBeside } from '../convert/beside.ts';
import type { Checkpoint } from '../convert/checkpoint.ts';
import { type ConvertOptions, convertCheckpoint } from '../convert/convert.ts';
import { TOKENIZER } from '../convert/decide-words.ts';
import type { Finding } from '../convert/decisions.ts';
import { parseLabels } from '../convert/parse-labels.ts';
import { ViTError } from '../error.ts';
import { Field } from '../weights/field.ts';
import type { Calibration, Dtype, Manifest, Source } from '../weights/manifest.ts';
import { parseCalibration } from '../weights/parse-calibration.ts';
import { CheckpointFiles } from './checkpoint-files.ts';
import { readJson, readText, requireFile } from './command-files.ts';
import { type ConvertFlags, optionsOf } from './convert-flags.ts';
import { writeFolder } from './output-folder.ts';
import { searchDtypes } from './search-dtypes.ts';
import { imagesBelow } from './sorted-images.ts';
import { count, formatBytes, type Terminal, table } from './terminal.ts';

/**
 * @param file the checkpoint, or its index
 * @param source where it comes from, as far as that is known
 */
export async function convertToFolder(
  file: string,
  flags: ConvertFlags,
  source: Source,
  terminal: Terminal,
): Promise<void> {
  const options: ConvertOptions = {
    ...optionsOf(flags),
    name: flags.name ?? basename(resolve(flags.out)),
    ...(await readConfigs(flags, file, terminal)),
    labels: flags.labels === undefined ? undefined : parseLabels(await readText(flags.labels), flags.labels),
    tokenizer: await readTokenizer(flags.tokenizer, file, terminal),
    template: flags.template,
    calibration: await readCalibration(flags.calibration, file, terminal),
    onFindings: (findings) => printFindings(findings, terminal),
    onProgress: (stage, done, total) => {
      const percent = `${Math.floor((100 * done) / total)} %`;
      terminal.progress(stage === 'writing' ? `writing ${percent}` : `computing the golden ${percent}`);
    },
  };
  const files = await CheckpointFiles.open(file);
  try {
    let manifest!: Manifest;
    if (flags.dtype === 'auto') options.dtypes = await findDtypes(files.checkpoint, options, flags, terminal);
    await writeFolder(flags.out, flags.force, async (folder) => {
      const sink = { write: (name: string, bytes: Uint8Array) => writeFile(join(folder, name), bytes) };
      options.source = { ...source, sha256: await files.sha256() };
      manifest = await convertCheckpoint(files.checkpoint, sink, options);
    });
    terminal.progress('');
    const bytes = manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
    terminal.print(
      `${flags.out}: ${formatBytes(bytes)} of ${flags.dtype} in ${count(manifest.shards.length, 'shard')}`,
    );
  } finally {
    await files.close();
  }
}

async function findDtypes(
  checkpoint: Checkpoint,
  options: ConvertOptions,
  { calibrate, loss: most }: ConvertFlags,
  terminal: Terminal,
): Promise<Map<string, Dtype>> {
  if (calibrate === undefined) {
    throw new ViTError(
      'bad-input',
      '--dtype auto measures what formats cost: give --calibrate DIR, a folder of pictures.',
    );
  }
  const pictures = imagesBelow(calibrate);
  const { dtypes, loss, rows } = await searchDtypes(checkpoint, options, { pictures, most }, (done, total) =>
    terminal.progress(`measuring formats ${done} of ${total}`),
  );
  terminal.progress('');
  for (const line of table([['matrix', 'format', 'loss alone'], ...rows])) terminal.print(line);
  terminal.print(`loss ${loss.toFixed(4)} on ${count(pictures.length, 'picture')}, within ${most}`);
  return dtypes;
}

/** The files that were named, else those beside the checkpoint. */
async function readConfigs(
  flags: ConvertFlags,
  checkpoint: string,
  terminal: Terminal,
): Promise<Pick<ConvertOptions, 'config' | 'preprocessor'>> {
  const beside = (name: string) => readConfigFile(undefined, checkpoint, name, terminal);
  const config = async () => {
    if (flags.config !== undefined) return readJson(flags.config);
    return flags.architecture === undefined ? configBeside(basename(checkpoint), beside) : undefined;
  };
  const preprocessor = async () =>
    flags.preprocessor === undefined ? preprocessorBeside(beside) : readJson(flags.preprocessor);
  return { config: await config(), preprocessor: await preprocessor() };
}

/** The file that was named, else the one beside the checkpoint, which is where libraries save it. */
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

/** As it is: its hash goes into the manifest. */
async function readTokenizer(
  given: string | undefined,
  checkpoint: string,
  terminal: Terminal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const path = given ?? join(dirname(checkpoint), TOKENIZER);
  if (given === undefined && !existsSync(path)) return undefined;
  requireFile(path);
  if (given === undefined) terminal.print(`reading ${path}`);
  return new Uint8Array(await readFile(path));
}

async function readCalibration(
  given: string | undefined,
  checkpoint: string,
  terminal: Terminal,
): Promise<Calibration | undefined> {
  const name = 'calibration.json';
  const json = await readConfigFile(given, checkpoint, name, terminal);
  return json === undefined ? undefined : parseCalibration(new Field(json, given ?? name, '', 'bad-input'));
}

function printFindings(findings: Finding[], terminal: Terminal): void {
  for (const line of table(findings.map(({ what, value, why }) => [what, value, why]))) terminal.print(line);
}
