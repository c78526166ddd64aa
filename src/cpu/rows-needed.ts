/**
 * Which rows a step is needed for. Where a class token alone is pooled, nobody listens to the other ones behind the last block: there they
 * are keys and values, no queries, and have no MLP.
 */
import type { Plan } from '../model/plan.ts';

/** Of each image, the only row that a step reads or writes; null for all. */
type Row = number | null;

/** Of each step, in order. */
export function rowsNeeded({ steps, outputs }: Plan): [read: Row, written: Row][] {
  // Values of which more than the first row is read: by outputs, and by the steps behind the one that is looked at.
  const whole = new Set(Object.values(outputs).flatMap(({ values }) => values));
  const needed = [...steps].reverse().map((step): [Row, Row] => {
    const { op, output } = step;
    const isByRow = op === 'matmul' || op === 'layer-norm' || op === 'attention';
    const written = isByRow && !whole.has(output) ? 0 : null;
    const read = op === 'attention' ? null : ((op === 'layer-norm' ? step.token : null) ?? written);
    if ('input' in step && read !== 0) whole.add(step.input);
    return [read, written];
  });
  return needed.reverse();
}
