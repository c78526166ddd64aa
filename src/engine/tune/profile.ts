/**
 * Where the time of a run goes, step by step.
 */
import type { Gpu } from '../../gpu/device.ts';
import { kernelKey } from '../../gpu/kernel.ts';
import { measureFlops } from '../../gpu/peak.ts';
import type { StepProfile } from '../../interface.ts';
import { macsOf } from '../../model/cost.ts';
import type { Network } from '../run/network.ts';
import { Stopwatch } from './stopwatch.ts';

/** Milliseconds. */
const PEAK_MEASUREMENT = 20;
const PER_KERNEL = 50;

/**
 * @param network that has run one image
 * @returns floating-point operations per second that this GPU can do, and each dispatch of a run of one image, in order
 */
export async function profile(gpu: Gpu, network: Network): Promise<{ peak: number; steps: StepProfile[] }> {
  const peak = await measureFlops(gpu.device, PEAK_MEASUREMENT);
  const schedule = network.schedule('one');
  const stopwatch = new Stopwatch(gpu, network, 1);
  const { plan } = network;
  // The same kernel takes as long in every block.
  const known = new Map<string, number>();
  const steps: StepProfile[] = [];
  for (const [index, action] of schedule.program.actions.entries()) {
    if (!('kernel' in action)) continue;
    const { kernel, label } = action;
    const key = kernelKey(kernel);
    const milliseconds = known.get(key) ?? (await stopwatch.measure(schedule, index, PER_KERNEL));
    known.set(key, milliseconds);
    const flops = action.steps.reduce((sum, step) => sum + 2 * macsOf(step, plan), 0);
    const ofPeak = flops / peak / (milliseconds / 1000);
    const ways = [kernel.entry, kernel.variant].filter(Boolean);
    const variant = [...new Set(ways)].join(' ') || null;
    steps.push({ step: label, kernel: kernel.name, variant, milliseconds, flops, ofPeak });
  }
  return { peak, steps };
}
