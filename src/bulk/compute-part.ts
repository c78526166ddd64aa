/**
 * A part of an output, from its number alone: whoever computes it, and however often, it is the same.
 */
import { existsSync } from 'node:fs';
import { ViTError } from '../error.ts';
import type { PixelData } from '../index.ts';
import { decodeBySharp, loadSharp } from '../node/decode-by-sharp.ts';
import { readPicture } from '../node/pictures.ts';
import type { Answer, Computer } from './computer.ts';
import { idsOf, type Output, partCount } from './output.ts';
import { pictureBytes } from './picture-bytes.ts';
import { locate } from './picture-list.ts';
import { type Outcome, runPipeline } from './pipeline.ts';
import type { ClassifyRow, EmbedRow, Part } from './schema.ts';

export interface PartOptions {
  signal?: AbortSignal;
  /** Called with how many pictures more are done, and which of them are bad. */
  onDone?: (pictures: number, bad: number) => void;
}

/** @throws ViTError `bad-input` for what would make every picture of an output a bad one on this machine */
export async function checkPictures({ job: { pictures } }: Output): Promise<void> {
  if (!existsSync(pictures.root))
    throw new ViTError('bad-input', `The pictures' folder ${pictures.root} is not there.`);
  await loadSharp();
}

/**
 * @param part from 0
 * @throws ViTError `bad-input` where the computer is of something else; what `checkPictures` and models throw
 */
export async function computePart(
  output: Output,
  part: number,
  computer: Computer,
  { signal, onDone }: PartOptions = {},
): Promise<Part> {
  const { job } = output;
  const { task, model, dimension } = computer;
  if (task !== job.task || computer.topK !== job.topK || model.sha256 !== job.model.sha256)
    throw new ViTError('bad-input', `${model.path} is not the model of the output in ${output.folder}.`);
  const parts = partCount(output);
  if (!Number.isInteger(part) || part < 0 || part >= parts)
    throw new ViTError('bad-input', `The output in ${output.folder} has no part ${part}.`);
  await checkPictures(output);
  const { root } = job.pictures;
  const ids = idsOf(output, part);
  const outcomes = await runPipeline<PixelData, Answer>(
    ids,
    { ...computer, read: (id, stop) => readPixels(locate(root, id), computer, stop) },
    {
      signal,
      onDone: (outcomes) => onDone?.(outcomes.length, outcomes.filter((outcome) => 'error' in outcome).length),
    },
  );
  const info = {
    model: model.sha256,
    checkpoint: model.checkpoint,
    name: model.name,
    dimension,
    list: job.pictures.sha256,
    part,
    parts,
  };
  const rows = ids.map((id, i) => rowOf(id, outcomes[i], NOTHING[task]));
  return task === 'embed' ? { task, info, rows: rows as EmbedRow[] } : { task, info, rows: rows as ClassifyRow[] };
}

const NOTHING: Record<Part['task'], Answer> = {
  embed: { vector: null },
  classify: { labels: null, scores: null, sure: null },
};

function rowOf(id: string, outcome: Outcome<Answer>, nothing: Answer): EmbedRow | ClassifyRow {
  const row = 'error' in outcome ? { id, ...nothing, error: outcome.error } : { id, ...outcome.answer, error: null };
  return row as EmbedRow | ClassifyRow;
}

/** Without a name, so that what is said of a bad picture is the same wherever it lies. */
async function readPixels(
  location: string,
  { orientation }: Pick<Computer, 'orientation'>,
  signal: AbortSignal,
): Promise<PixelData> {
  const bytes = await pictureBytes(location, signal);
  return (await readPicture(new Blob([bytes]), decodeBySharp, { orientation }, signal)) as PixelData;
}
