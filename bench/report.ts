/**
 * What came out, for people and for programs: tables on the terminal, JSON and a chart in `bench/results`, and on demand
 * a section of `bench/RESULTS.md`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawChart } from './chart.ts';
import { type Batch, type Comparison, isCompared, type Load } from './compare.ts';
import type { Machine } from './machine.ts';
import type { MatmulRow } from './matmul-page.ts';
import type { Options } from './options.ts';
import type { Peaks } from './peaks.ts';
import { writeSection } from './sections.ts';
import type { Spread } from './stats.ts';

export interface Outcome {
  /** `Chrome 140.0`, `Node v20, Dawn` */
  runtime: string;
  adapter: string;
  /** A software adapter. */
  software: boolean;
  machine: Machine;
  peaks: Peaks | null;
  comparisons: Comparison[];
  matmuls: MatmulRow[];
  /** Names of two systems, of which the first is to be the faster one: by how much is said below each table. */
  pairs?: readonly (readonly [string, string])[];
}

/** Writes everything. Files are named by runtime and adapter, so that machines do not overwrite one another. */
export async function report(outcome: Outcome, options: Pick<Options, 'results' | 'write' | 'section'>): Promise<void> {
  const date = new Date().toISOString().slice(0, 10);
  const { section } = options;
  const name = [`${outcome.runtime.split(' ')[0]} ${outcome.adapter}`, section ?? '']
    .map(slug)
    .filter(Boolean)
    .join('-');
  const markdown = toMarkdown(outcome, date, section);
  console.log(`\n${markdown}`);
  for (const folder of [options.results, ...(options.write ? ['bench/charts'] : [])]) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${name}.json`), `${JSON.stringify({ date, ...outcome }, null, 2)}\n`);
    await writeFile(join(folder, `${name}.svg`), drawChart(outcome));
    console.log(`${join(folder, name)}.json, .svg`);
  }
  if (!options.write) return;
  const image = `![Images per second](charts/${name}.svg) The same as [JSON](charts/${name}.json).\n`;
  await writeSection(name, `${markdown}\n${image}`);
}

function toMarkdown(
  { runtime, adapter, software, machine, peaks, comparisons, matmuls, pairs = [] }: Outcome,
  date: string,
  section?: string,
): string {
  const { processor, cores, memory, system, loadAverage, busy } = machine;
  const lines = [
    `### ${runtime}, ${adapter}${software ? ' (no GPU)' : ''}${section ? `: ${section}` : ''}`,
    '',
    `${date}. ${processor}, ${cores} cores, ${memory} GiB, ${system}. Load average before the run ${loadAverage}${busy ? ' – **busy: these figures say little**' : ''}.`,
  ];
  if (peaks) {
    const flops = peaks.flops >= 1e12 ? `${fixed(peaks.flops / 1e12)} TFLOP/s` : `${fixed(peaks.flops / 1e9)} GFLOP/s`;
    lines.push(
      `Measured peaks of ${adapter === 'one core' ? adapter : 'the adapter'}: ${flops} f32, ${fixed(peaks.bandwidth / 1e9)} GB/s read and written.`,
    );
  }
  for (const { model, weights, gigaMacs, loads, fetchAlone, batches, kernels } of comparisons) {
    lines.push('', `**${model}** (${fixed(gigaMacs)} GMAC per image, weights: ${weights})`, '', ...loadTable(loads));
    if (fetchAlone !== null) lines.push('', `The weights alone, fetched and dropped: ${fixed(fetchAlone)} ms.`);
    for (const batch of batches) {
      lines.push('', ...(isCompared(batch) ? [...batchTable(batch), ...ratios(batch, pairs)] : [leftOut(batch)]));
    }
    for (const [system, chosen] of Object.entries(kernels)) lines.push('', `${system} computes with ${chosen}.`);
  }
  if (matmuls.length > 0) lines.push('', '**Matrix products alone** (GFLOP/s)', '', ...matmulTable(matmuls));
  return `${lines.join('\n')}\n`;
}

function loadTable(loads: Load[]): string[] {
  const rows = loads.map(({ system, scriptBytes, weightBytes, total, totals, stages, difference, remark }) => [
    system,
    scriptBytes === null ? '–' : megabytes(scriptBytes),
    megabytes(weightBytes),
    `${fixed(total)} ms${totals.length > 1 ? ` (${fixed(totals[0])}–${fixed(totals.at(-1)!)})` : ''}`,
    Object.entries(stages)
      .map(([stage, time]) => `${stage} ${fixed(time)}`)
      .join(', '),
    difference.toExponential(1),
    remark,
  ]);
  const header = ['first result', 'script, gzip', 'weights', 'total', 'stages, ms', 'logits differ by', ''];
  return table([header, ...rows]);
}

function batchTable({ images, floor, loadAverage, rows }: Batch): string[] {
  const header = [
    `batch ${images}`,
    'median',
    'quartiles',
    'runs',
    'per image',
    'images/s',
    `of floor${floor === null ? '' : ` (${fixed(floor)} ms)`}`,
    'peak memory',
  ];
  const cells = rows.map(({ system, time, imagesPerSecond, ofFloor, peakMemory }) =>
    time
      ? [
          system,
          `${fixed(time.median)} ms`,
          `${fixed(time.low)}–${fixed(time.high)}`,
          String(time.count),
          `${fixed(time.median / images)} ms`,
          fixed(imagesPerSecond!),
          ofFloor === null ? '–' : `${(100 * ofFloor).toFixed(1)} %`,
          peakMemory === null ? '–' : megabytes(peakMemory),
        ]
      : [system, '–', '', '', '', '', '', ''],
  );
  const remarks = rows.filter(({ remark }) => remark).map(({ system, remark }) => `${system}: ${remark}`);
  const load = `Load average at its end, this run's own work included: ${loadAverage.toFixed(1)}.`;
  return [...table([header, ...cells]), '', ...remarks, load];
}

function ratios({ rows }: Batch, pairs: readonly (readonly [string, string])[]): string[] {
  const medianOf = (name: string) => rows.find(({ system }) => system === name)?.time?.median;
  const lines = pairs.map(([ours, peer]) => {
    const [a, b] = [medianOf(ours), medianOf(peer)];
    return a && b ? `${ours}: ${fixed(b / a)} times as fast as ${peer}.` : null;
  });
  return lines.filter((line) => line !== null).map((line) => `- ${line}`);
}

function leftOut({ images, rows }: Batch): string {
  const reasons = rows.filter(({ remark }) => remark).map(({ system, remark }) => `${system} ${remark}`);
  return `Batch ${images} was run by no system on the adapter: ${reasons.join('; ')}.`;
}

function matmulTable(rows: MatmulRow[]): string[] {
  const systems = Object.keys(rows[0].rates);
  const rate = ({ median, low, high }: Spread) => `${fixed(median)} (${fixed(low)}–${fixed(high)})`;
  return table([
    ['rows x inputs x outputs', ...systems, 'results differ by'],
    ...rows.map(({ shape, rates, difference }) => [
      shape.join(' x '),
      ...systems.map((system) => rate(rates[system])),
      difference.toExponential(1),
    ]),
  ]);
}

/** Markdown, aligned, so that it reads on a terminal, too. */
function table(rows: string[][]): string[] {
  const widths = rows[0].map((_, column) => Math.max(3, ...rows.map((row) => row[column].length)));
  const line = (row: string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const [header, ...body] = rows;
  return [line(header), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body.map(line)];
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${fixed(bytes / 1e3)} kB` : `${fixed(bytes / 1e6)} MB`;
}

/** Three digits that count. */
function fixed(value: number): string {
  return value >= 100 || value === 0 ? value.toFixed(0) : value.toPrecision(3);
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-|-$/g, '');
}
