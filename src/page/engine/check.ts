/**
 * Whether this machine computes right, and how fast: a report that can be pasted into an issue.
 */
import { signal } from '@preact/signals-core';
import { notify } from '../state/notices.ts';
import { describe } from '../state/problem.ts';
import { engine } from './model.ts';

interface Report {
  state: 'none' | 'running' | 'done';
  passed: boolean;
  /** Largest difference to the golden logits. */
  error: number;
  /** Of one photo. */
  milliseconds: number;
  text: string;
}

const NONE: Report = { state: 'none', passed: false, error: 0, milliseconds: 0, text: '' };

export const report = signal(NONE);

const RUNS = 8;

export async function check(): Promise<void> {
  const vit = engine();
  if (!vit) return;
  report.value = { ...NONE, state: 'running' };
  try {
    const test = await vit.selfTest();
    const picture = new ImageData(256, 256);
    const times: number[] = [];
    for (let i = 0; i < RUNS; i++) {
      const { decode, preprocess, run } = (await vit.embed(picture)).timing;
      times.push(decode + preprocess + run);
    }
    const milliseconds = times.sort((a, b) => a - b)[RUNS >> 1];
    const { info } = vit;
    // Of which steps the time is made; there are such figures of GPUs alone.
    const profile = info.backend === 'webgpu' ? await vit.profile(picture) : null;
    const facts = {
      ...{
        model: info.name,
        parameters: info.parameters,
        backend: info.backend,
        dtype: info.dtype,
        adapter: info.adapter,
      },
      ...{
        fallbackReason: info.fallbackReason,
        userAgent: navigator.userAgent,
        selfTest: test,
        milliseconds: times,
        profile,
      },
    };
    const text = JSON.stringify(facts, null, 2);
    report.value = { state: 'done', passed: test.passed, error: test.maxError, milliseconds, text };
  } catch (error) {
    report.value = NONE;
    notify(describe(error));
  }
}
