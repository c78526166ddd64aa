/**
 * Decides the names of the classes.
 */
import { ViTError } from '../error.ts';
import type { ConfigFacts } from './configs/facts.ts';
import { type Decisions, fact } from './decisions.ts';

/**
 * @param given `--labels`, in the order of the classes
 * @returns as many as there are classes; `class 0`, `class 1`, … where nothing tells.
 * @throws ViTError `bad-input` when there are more or fewer labels than classes.
 */
export function decideLabels(
  classes: number,
  given: string[] | undefined,
  config: ConfigFacts | undefined,
  decisions: Decisions,
): string[] {
  // What config.json has then is transformers' default, and names nothing.
  if (classes === 0 && !given) return [];
  const told = fact(given, '--labels') ?? config?.labels;
  if (!told) {
    decisions.note('labels', 'class 0, class 1, …', 'no --labels and none in config.json');
    return Array.from({ length: classes }, (_, index) => `class ${index}`);
  }
  if (told.value.length !== classes) {
    throw new ViTError('bad-input', `${told.why}: ${told.value.length} labels for a model of ${classes} classes.`);
  }
  const shown = told.value.slice(0, 3).join(', ') + (classes > 3 ? ', …' : '');
  decisions.note('labels', shown, told.why);
  return told.value;
}
