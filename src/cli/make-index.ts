/**
 * `vit-webgpu index`: from what `embed` wrote to an index that `search` and pages read.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { partPaths, readPart } from '../bulk/part-files.ts';
import type { PartInfo } from '../bulk/schema.ts';
import { ViTError } from '../error.ts';
import { buildIndex, type Embedding } from '../search/build.ts';
import { DTYPES, type VectorDtype } from '../search/index-manifest.ts';
import { writeFolder } from './output-folder.ts';
import { count, formatBytes, type Terminal } from './terminal.ts';

interface Flags {
  out: string;
  dtype: VectorDtype;
  force: boolean;
}

export function indexCommand(terminal: Terminal): Command {
  return new Command('index')
    .description('make embeddings searchable, for `search` and for pages')
    .argument('<embeddings>', 'the folder that `embed` wrote')
    .requiredOption('--out <dir>', 'where the index goes')
    .addOption(
      new Option('--dtype <name>', 'how vectors are stored: f16 is half the size, and scores are within 0.0005')
        .choices(DTYPES)
        .default('f16'),
    )
    .option('--force', 'replace what is there', false)
    .action((embeddings: string, flags: Flags) => makeIndex(embeddings, flags, terminal));
}

async function makeIndex(folder: string, { out, dtype, force }: Flags, terminal: Terminal): Promise<void> {
  const paths = await partPaths(folder);
  if (paths.length === 0) {
    throw new ViTError(
      'bad-input',
      `${folder} holds no part-00000.parquet: give a folder that \`vit-webgpu embed\` wrote.`,
    );
  }
  const { model, checkpoint = null, name, dimension, parts } = (await readEmbeddings(paths[0])).info;
  if (paths.length < parts) {
    terminal.warn(
      `${folder} is not complete: ${paths.length} of ${parts} parts are there. The index has what they hold.`,
    );
  }
  let without = 0;
  async function* embeddings(): AsyncGenerator<Embedding> {
    for (const [i, path] of paths.entries()) {
      terminal.progress(`part ${i + 1} of ${paths.length}`);
      const { info, rows } = await readEmbeddings(path);
      if (info.model !== model) {
        throw new ViTError('bad-input', `${path} is of another model (${info.name}) than ${paths[0]} (${name}).`);
      }
      for (const { id, vector } of rows) {
        if (vector) yield { id, vector };
        else without++;
      }
    }
  }
  let bytes = 0;
  let rows = 0;
  await writeFolder(out, force, async (partial) => {
    const options = { model: { name, sha256: checkpoint, manifest: model }, dimension, dtype };
    ({ rows } = await buildIndex(embeddings(), options, (file, contents) => {
      bytes += contents.length;
      return writeFile(join(partial, file), contents);
    }));
  });
  terminal.progress('');
  if (without > 0) terminal.warn(`${count(without, 'picture')} without an embedding left out: the files say why.`);
  terminal.print(`${count(rows, 'vector')} of ${dimension} in ${dtype}, ${formatBytes(bytes)}: ${out}`);
}

/** @throws ViTError `bad-input` for labels instead of vectors */
async function readEmbeddings(path: string) {
  const part = await readPart(path);
  if (part.task === 'embed' && part.info.dimension !== null) {
    return { info: part.info as PartInfo & { dimension: number }, rows: part.rows };
  }
  throw new ViTError('bad-input', `${path} holds no embeddings: give a folder that \`vit-webgpu embed\` wrote.`);
}
