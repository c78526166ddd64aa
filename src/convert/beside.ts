/**
 * Which of the files beside a checkpoint are its config and its preprocessor's, under the names that libraries and their
 * versions give them.
 */

/** A parsed JSON file of the checkpoint's folder; `undefined` where there is none. */
export type ReadBeside = (name: string) => Promise<unknown>;

/** @param checkpoint its name: a repository may have the same model for two libraries */
export async function configBeside(checkpoint: string, read: ReadBeside): Promise<unknown> {
  const names = ['config.json', 'open_clip_config.json'];
  if (checkpoint.startsWith('open_clip_')) names.reverse();
  return (await read(names[0])) ?? read(names[1]);
}

/** From version 5 on transformers writes processor_config.json, which may be without a part for pictures. */
export async function preprocessorBeside(read: ReadBeside): Promise<unknown> {
  const processor = (await read('processor_config.json')) as { image_processor?: unknown } | undefined;
  return processor?.image_processor ? processor : read('preprocessor_config.json');
}
