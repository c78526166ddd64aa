/**
 * Decides the names of the classes, and what their scores are.
 */
import { ViTError } from '../error.ts';
import type { Manifest } from '../weights/manifest.ts';
import type { Decisions } from './decisions.ts';
import { given } from './fact.ts';
import type { Facts } from './facts.ts';

type Labels = Pick<Manifest, 'labels' | 'problemType' | 'calibration'>;

/** @throws ViTError `bad-input` when there are more or fewer labels than classes, and for a calibration of no softmax. */
export function decideLabels(facts: Facts, decisions: Decisions): Labels {
  const labels = namesOf(facts, decisions);
  const problemType = problemOf(facts, decisions);
  const { calibration } = facts.answers;
  if (calibration && (problemType !== 'single-label' || labels.length === 0)) {
    throw new ViTError(
      'bad-input',
      'A calibration is of a softmax, and this model has none. Leave the calibration out.',
    );
  }
  const { thresholds = labels } = calibration ?? {};
  if (thresholds.length !== labels.length) {
    throw new ViTError('bad-input', `calibration: ${thresholds.length} thresholds for ${labels.length} labels.`);
  }
  return { labels, problemType, ...(calibration && { calibration }) };
}

/** As many as there are classes; `class 0`, `class 1`, … where nothing names them. */
function namesOf({ dimensions: { classes }, config, answers }: Facts, decisions: Decisions): string[] {
  // What a config has then is transformers' default, and names nothing.
  if (classes === 0 && !answers.labels) return [];
  const known = given(answers.labels) ?? config?.labels;
  if (!known) {
    decisions.note('labels', 'class 0, class 1, …', 'none given and none in a config');
    return Array.from({ length: classes }, (_, index) => `class ${index}`);
  }
  if (known.value.length !== classes) {
    throw new ViTError('bad-input', `labels (${known.why}): ${known.value.length} for a model of ${classes} classes.`);
  }
  const shown = known.value.slice(0, 3).join(', ') + (classes > 3 ? ', …' : '');
  decisions.note('labels', shown, known.why);
  return known.value;
}

function problemOf({ dimensions: { classes }, config }: Facts, decisions: Decisions): Manifest['problemType'] {
  const known = config?.problemType;
  if (known && known.value !== 'single-label') {
    decisions.note('problem', known.value, known.why);
    return known.value;
  }
  if (classes !== 1) return 'single-label';
  decisions.note('problem', 'multi-label', 'the softmax of one label would always be 1: its score is the sigmoid');
  return 'multi-label';
}
