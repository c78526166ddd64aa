/**
 * Pictures through models: while some are computed, the next are read, and no more of them than that are held at a time.
 */
import { ViTError } from '../error.ts';

/** What became of a picture: an answer, or what is wrong with it, in words. */
export type Outcome<Answer> = { answer: Answer } | { error: string };

export interface Pipeline<Picture, Answer> {
  /** @throws ViTError `bad-image` or `network` for what is wrong with this picture; anything else ends the work */
  read(id: string, signal: AbortSignal): Promise<Picture>;
  /** Models side by side. Each is given lists of pictures, and does one after the other. */
  models: readonly ((pictures: Picture[]) => Promise<Answer[]>)[];
  /** Pictures that a model is given at once. */
  batch: number;
}

/** Per model: one list of pictures is computed, another is read. */
const LANES = 2;

/**
 * @param onDone called with how many pictures more have their outcome
 * @returns outcomes in the order of the ids, whatever order they were computed in
 * @throws what `read` and the models throw that is not of a picture, and the signal's reason. Nothing goes on after it.
 */
export async function runPipeline<Picture, Answer>(
  ids: readonly string[],
  { read, models, batch }: Pipeline<Picture, Answer>,
  { signal, onDone }: { signal?: AbortSignal; onDone?: (outcomes: Outcome<Answer>[]) => void } = {},
): Promise<Outcome<Answer>[]> {
  const outcomes = new Array<Outcome<Answer>>(ids.length);
  const failed = new AbortController();
  const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  let next = 0;

  const lane = async (model: (pictures: Picture[]) => Promise<Answer[]>) => {
    while (next < ids.length) {
      stop.throwIfAborted();
      const first = next;
      next += batch;
      const some = ids.slice(first, first + batch);
      const found = await Promise.all(some.map((id) => outcomeOf(read(id, stop))));
      stop.throwIfAborted();
      const done = await answerAll(found, model);
      for (const [i, outcome] of done.entries()) outcomes[first + i] = outcome;
      onDone?.(done);
    }
  };
  const lanes = models.flatMap((model) => Array.from({ length: LANES }, () => lane(model)));
  const ended = lanes.map((lane) => lane.catch((error) => failed.abort(error)));
  await Promise.all(ended);
  stop.throwIfAborted();
  return outcomes;
}

async function answerAll<Picture, Answer>(
  found: Outcome<Picture>[],
  model: (pictures: Picture[]) => Promise<Answer[]>,
): Promise<Outcome<Answer>[]> {
  const pictures = found.flatMap((outcome) => ('answer' in outcome ? [outcome.answer] : []));
  const answers = (await answerEach(pictures, model)).values();
  return found.map((outcome) => ('error' in outcome ? outcome : answers.next().value!));
}

/** Where one of several is refused, each is asked about alone. */
async function answerEach<Picture, Answer>(
  pictures: Picture[],
  model: (pictures: Picture[]) => Promise<Answer[]>,
): Promise<Outcome<Answer>[]> {
  if (pictures.length === 0) return [];
  try {
    return (await model(pictures)).map((answer) => ({ answer }));
  } catch (error) {
    if (!isOfPicture(error)) throw error;
    if (pictures.length === 1) return [{ error: error.message }];
    const outcomes: Outcome<Answer>[] = [];
    for (const picture of pictures) outcomes.push(...(await answerEach([picture], model)));
    return outcomes;
  }
}

async function outcomeOf<T>(promise: Promise<T>): Promise<Outcome<T>> {
  try {
    return { answer: await promise };
  } catch (error) {
    if (!isOfPicture(error)) throw error;
    return { error: error.message };
  }
}

function isOfPicture(error: unknown): error is ViTError {
  return error instanceof ViTError && (error.code === 'bad-image' || error.code === 'network');
}
