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
    const plan = planAlone([step], whole);
    const given = madeUp([step], plan, (tensor) => fewBits[tensor]);
    const { columns } = plan.values[step.output];
    const computed = await runAlone(plan, { pieces: piecesOf(given), values: valuesOf(given), inputs: given.inputs });
    const error = relativeError((row, column) => computed[row * columns + column], sampleSteps([step], given));
    checks.push({ kernel: kernelOf(step), step: step.label, passed: error <= DEFAULT_TOLERANCE, error });
  }
  return checks;
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
