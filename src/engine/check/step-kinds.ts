/**
 * Which steps of a plan are the same work.
 */
import type { Plan, Step } from '../../model/plan.ts';

/** What of a plan the check depends on. */
export function kindsOfSteps(plan: Plan): string[] {
  return [...new Set(plan.steps.map((step) => kindOf(step, plan)))];
}

/** The same for steps that differ in the names of their tensors alone. */
export function kindOf(step: Step, { values }: Plan): string {
  const sizes = 'input' in step ? [values[step.input], values[step.output]] : [values[step.output]];
  const kind = JSON.stringify({ ...step, label: '' }, (_, value) =>
    typeof value === 'string' ? value.replace(/\d+/g, '') : value,
  );
  return kind + JSON.stringify(sizes);
}
