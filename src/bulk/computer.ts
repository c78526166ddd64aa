/**
 * What computes a task: one model or several of the same side by side, and what its answers are.
 */
import type { PixelData, ViT } from '../index.ts';
import type { ModelFile } from './output.ts';
import type { ClassifyRow, EmbedRow, Task } from './schema.ts';

export type Answer = Pick<EmbedRow, 'vector'> | Pick<ClassifyRow, 'labels' | 'scores' | 'sure'>;

export interface Computer {
  task: Task;
  /** Labels per picture; null for vectors. */
  topK: number | null;
  model: ModelFile;
  /** Numbers of a vector; null for labels. */
  dimension: number | null;
  /** Whether a picture's EXIF turns it. */
  orientation: 'exif' | 'stored';
  models: readonly ((pictures: PixelData[]) => Promise<Answer[]>)[];
  /** Pictures that a model is given at once. What comes out does not depend on it. */
  batch: number;
}

const BLANK: PixelData = { data: new Uint8Array(3 * 16 * 16), width: 16, height: 16 };

/**
 * @param vits of one model, at least one; they stay the caller's to dispose
 * @throws ViTError `bad-input` where the model cannot do the task
 */
export async function computerOf(
  vits: readonly ViT[],
  { task, topK, model, batch }: Pick<Computer, 'task' | 'topK' | 'model' | 'batch'>,
): Promise<Computer> {
  const models = vits.map((vit) => (task === 'embed' ? embedWith(vit) : classifyWith(vit, topK!)));
  // The first run of each: what a model cannot do is said before any picture is read.
  const [[first]] = await Promise.all(models.map((compute) => compute([BLANK])));
  const dimension = 'vector' in first ? first.vector!.length : null;
  const { orientation = 'exif' } = vits[0].info.preprocess;
  return { task, topK, model, dimension, orientation, models, batch };
}

function embedWith(vit: ViT): (pictures: PixelData[]) => Promise<Answer[]> {
  return async (pictures) => (await vit.embed(pictures)).map((vector) => ({ vector }));
}

function classifyWith(vit: ViT, topK: number): (pictures: PixelData[]) => Promise<Answer[]> {
  return async (pictures) =>
    (await vit.classify(pictures, { topK })).map((best) => ({
      labels: best.map(({ label }) => label),
      scores: Float32Array.from(best, ({ score }) => score),
      sure: best.sure ?? null,
    }));
}
