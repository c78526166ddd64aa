/**
 * The Python that trains, and pieces of weights/training/train.py called from a test.
 */
import { execFileSync } from 'node:child_process';

/** One that has PyTorch, NumPy and Pillow; test/run.js finds it. */
export const PYTHON = process.env.PYTHON ?? 'python3';

/** Sums of several threads may come out in another order; and where another test has their cores, they wait for each other, busily. */
export const ENV = { ...process.env, OMP_NUM_THREADS: '1' };

/** @returns what the code, which has `train`, `torch` and the `folder`, leaves in `result` */
export function python(folder: string, code: string): unknown {
  const frame = [
    'import json, sys; sys.dont_write_bytecode = True; sys.path.insert(0, "weights/training")',
    'import torch, train; from pathlib import Path; folder = Path(sys.argv[1])',
    code,
    'print("\\n" + json.dumps(result))',
  ];
  const said = execFileSync(PYTHON, ['-c', frame.join('\n'), folder], { encoding: 'utf8', env: ENV });
  return JSON.parse(said.trim().split('\n').pop()!);
}
