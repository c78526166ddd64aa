/**
 * Whether the kernels of the CPU are right in this browser: each step of a plan that differs from those before it, alone, on made-up
 * numbers, against some rows of the reference.
 */
import { DEFAULT_TOLERANCE } from '../../gpu/kernel.ts';
import type { KernelCheck } from '../../interface.ts';
import { fieldsOf } from '../../model/cost.ts';
import type { InputName, Plan, Step, ValueName } from '../../model/plan.ts';
import type { TensorPiece } from '../../weights/tensor-assembler.ts';
import { madeUp, piecesOf, planAlone, relativeError } from './step-alone.ts';
import { kindOf } from './step-kinds.ts';
import { type Given, sampleSteps } from './step-sample.ts';

/** Runs the only step of a plan for one image. @returns what it writes, `[rows, columns]` */
export type RunAlone = (
  plan: Plan,
  given: {
    pieces: Iterable<TensorPiece>;
    values: Iterable<[ValueName, ArrayLike<number>]>;
    inputs: Partial<Record<InputName, ArrayLike<number>>>;
  },
) => Promise<Float32Array>;

/** @param fewBits of tensors that have so few */
export async function checkOnCpu(
  whole: Plan,
  runAlone: RunAlone,
  fewBits: Readonly<Record<string, 8 | 4>> = {},
): Promise<KernelCheck[]> {
  const checks: KernelCheck[] = [];
  const seen = new Set<string>();
  for (const step of whole.steps) {
    const key = kindOf(step, whole) + fieldsOf(step).map((name) => fewBits[name]);
    if (seen.has(key)) continue;
    seen.add(key);
    const plan = planAlone([step], withFewRows(step, whole));
    const given = madeUp([step], plan, (tensor) => fewBits[tensor]);
    const { columns } = plan.values[step.output];
    const computed = await runAlone(plan, { pieces: piecesOf(given), values: valuesOf(given), inputs: given.inputs });
    const error = relativeError((row, column) => computed[row * columns + column], sampleSteps([step], given));
    checks.push({ kernel: kernelOf(step), step: step.label, passed: error <= DEFAULT_TOLERANCE, error });
  }
  return checks;
}

/** Rows that are computed alike, each tile of 4 or 6 like the others: so many, and what is left of all, show what all would. */
const ROWS = 48;

/** A plan in which a step has no more rows than that takes: the first answer waits for it. */
function withFewRows(step: Step, plan: Plan): Plan {
  const isAlike =
    step.op === 'matmul' ||
    (step.op === 'layer-norm' && step.token === null && !step.others && !step.accumulate) ||
    (step.op === 'attention' && !step.query && !step.relative);
  if (!isAlike) return plan;
  const [input, output] = [plan.values[step.input], plan.values[step.output]];
  const rows = ROWS + (output.rows % ROWS);
  if (input.rows !== output.rows || output.rows <= rows) return plan;
  const fewer = { [step.input]: { ...input, rows }, [step.output]: { ...output, rows } };
  return { ...plan, values: { ...plan.values, ...fewer } };
}

function kernelOf({ op }: Step): string {
  if (op === 'lookup' || op === 'pick') return 'gather';
  return op;
}

function* valuesOf({ plan, values }: Given): Iterable<[ValueName, ArrayLike<number>]> {
  for (const [name, numbers] of values) {
    const { rows, columns } = plan.values[name];
    yield [name, numbers.piece(0, rows * columns)];
  }
}
