/**
 * What larger images cost: one system with the same model for several image sizes, in turn, so that a machine that grows
 * faster or slower meanwhile does so for all of them.
 */
import { withDefaults } from '../src/model/architecture.ts';
import { planCost } from '../src/model/cost.ts';
import { planViT } from '../src/model/plan.ts';
import type { Contender, Opened } from './contender.ts';
import type { PreparedModel } from './models.ts';
import { type Spread, spread } from './stats.ts';

const ROUNDS = 9;

export interface ScalingRow {
  model: string;
  /** Multiply-adds per image, of those of the first row. */
  macs: number;
  /** Milliseconds per image. */
  time: Spread;
  /** Of the first row's in the same round. */
  ratio: Spread;
}

export async function measureScaling(models: PreparedModel[], contender: Contender): Promise<ScalingRow[]> {
  const opened: Opened[] = [];
  try {
    for (const model of models) opened.push(await contender.open(model));
    const macs = models.map(({ architecture }) => planCost(planViT(withDefaults(architecture))).macs);
    // In a round each size has about the same time.
    const repeats = macs.map((count) => Math.max(1, Math.round(Math.max(...macs) / count)));
    const rounds: number[][] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const medians: number[] = [];
      for (const [i, { run }] of opened.entries()) {
        const times: number[] = [];
        for (let repeat = 0; repeat < repeats[i]; repeat++) times.push(await run(1));
        medians.push(spread(times).median);
      }
      rounds.push(medians);
    }
    return models.map(({ title }, i) => ({
      model: title,
      macs: macs[i] / macs[0],
      time: spread(rounds.map((medians) => medians[i])),
      ratio: spread(rounds.map((medians) => medians[i] / medians[0])),
    }));
  } finally {
    await Promise.all(opened.map((one) => one.close().catch(() => {})));
  }
}

export function scalingTable(rows: ScalingRow[]): string {
  const lines = ['| image | ms | multiply-adds | time, in the same round |', '|---|---|---|---|'];
  for (const { model, macs, time, ratio } of rows) {
    const range = ({ median, low, high }: Spread, digits: number) =>
      `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
    lines.push(`| ${model} | ${range(time, 0)} | ${macs.toFixed(2)} | ${range(ratio, 2)} |`);
  }
  return lines.join('\n');
}
