/**
 * A classifier of one's own things from a few pictures of each: nearest class means, or ridge regression, on embeddings of unit
 * length. Both are linear, and both are had in closed form.
 */
import { badInput } from '../check-options.ts';
import { applySoftmax } from '../logits-to-scores.ts';
import { dot, meanOf, unitLength } from './embedding-vectors.ts';
import { Head, type HeadData, type HeadMethod } from './learned-head.ts';
import { fitRidge } from './ridge.ts';

/** Pictures of one class, as embeddings of unit length. */
export interface Group {
  label: string;
  embeddings: Float32Array[];
}

interface Fit {
  method: HeadMethod;
  /** `[classes][features]`, and one number per class. */
  weights: Float32Array[];
  bias: number[];
  /** `[samples][classes]`: the values of each sample by a fit to all others. */
  leftOut: Float64Array[];
}

/** Its matrix is inverted, in a time that grows with the cube of them. */
const MOST_FOR_RIDGE = 1_000;
const LAMBDAS = [0.03, 0.1, 0.3, 1, 3];
const TEMPERATURES = [0.02, 0.05, 0.1, 0.2, 0.5, 1];
/** Where no class has a picture to spare. */
const USUAL_TEMPERATURE = 0.3;

/** @param method `auto`: the one that is right about more of the pictures left out; of two that are alike, means */
export function learnHead(groups: readonly Group[], method: HeadMethod | 'auto', model: HeadData['model']): Head {
  const samples = groups.flatMap(({ embeddings }) => embeddings);
  const classOf = groups.flatMap(({ embeddings }, index) => embeddings.map(() => index));
  if (method === 'ridge' && samples.length > MOST_FOR_RIDGE) {
    throw badInput(
      `learn(): ridge regression takes ${MOST_FOR_RIDGE} pictures at most, not ${samples.length}; give method: 'means'.`,
    );
  }
  const fits: Fit[] = [];
  if (method !== 'ridge') fits.push(fitMeans(groups));
  if (method === 'ridge' || (method === 'auto' && samples.length <= MOST_FOR_RIDGE))
    fits.push(bestRidge(samples, classOf, groups.length));
  // A class of one picture has none left without it.
  const spare = classOf.flatMap((label, i) => (groups[label].embeddings.length > 1 ? [i] : []));
  const judged = fits.map((fit) => ({ fit, ...judge(fit, spare, classOf) }));
  const best = judged.reduce((a, b) => (b.right > a.right ? b : a));
  return new Head({
    format: 'vit-webgpu head',
    version: 1,
    model,
    method: best.fit.method,
    labels: groups.map(({ label }) => label),
    pictures: groups.map(({ embeddings }) => embeddings.length),
    accuracy: spare.length > 0 ? best.right / spare.length : null,
    temperature: best.temperature,
    weights: best.fit.weights.map((row) => Array.from(row, rounded)),
    bias: best.fit.bias.map(rounded),
  });
}

function rounded(value: number): number {
  return Number(value.toPrecision(7));
}

function fitMeans(groups: readonly Group[]): Fit {
  const weights = groups.map(({ embeddings }) => unitLength(meanOf(embeddings)));
  const leftOut = groups.flatMap(({ embeddings }, own) =>
    embeddings.map((sample, i) => {
      const others = embeddings.filter((_, j) => j !== i);
      const without = others.length > 0 ? unitLength(meanOf(others)) : weights[own];
      return Float64Array.from(weights, (mean, label) => dot(sample, label === own ? without : mean));
    }),
  );
  return { method: 'means', weights, bias: weights.map(() => 0), leftOut };
}

/** Of several strengths the one whose values for the pictures left out are nearest to their targets. */
function bestRidge(samples: Float32Array[], classOf: number[], classes: number): Fit {
  const fits = LAMBDAS.map((lambda) => {
    const ridge = fitRidge(samples, classOf, classes, lambda);
    const error = ridge.leftOut.reduce(
      (sum, row, i) => sum + row.reduce((sum, value, label) => sum + (value - (classOf[i] === label ? 1 : 0)) ** 2, 0),
      0,
    );
    return { ...ridge, error };
  });
  const { weights: ofSamples, leftOut } = fits.reduce((a, b) => (b.error < a.error ? b : a));
  const weights = Array.from({ length: classes }, (_, label) => {
    const row = new Float64Array(samples[0].length);
    for (const [i, sample] of samples.entries()) {
      for (let j = 0; j < row.length; j++) row[j] += ofSamples[i][label] * sample[j];
    }
    return Float32Array.from(row);
  });
  // The constant feature.
  const bias = weights.map((_, label) => ofSamples.reduce((sum, row) => sum + row[label], 0));
  return { method: 'ridge', weights, bias, leftOut };
}

/** How many of the pictures left out are named rightly, and the temperature at which their scores are likeliest. */
function judge({ leftOut }: Fit, spare: number[], classOf: number[]): { right: number; temperature: number } {
  const right = spare.filter((i) =>
    leftOut[i].every((value, label) => label === classOf[i] || value < leftOut[i][classOf[i]]),
  );
  // Platt's targets: of n pictures that are all named rightly, one more may be the first that is not.
  const sure = (spare.length + 1) / (spare.length + 2);
  const losses = TEMPERATURES.map((temperature) =>
    spare.reduce((sum, i) => {
      const row = Float32Array.from(leftOut[i]);
      applySoftmax(row, temperature);
      return row.reduce((sum, score, label) => {
        const target = label === classOf[i] ? sure : (1 - sure) / (row.length - 1);
        return sum - target * Math.log(Math.max(score, 1e-12));
      }, sum);
    }, 0),
  );
  const temperature = spare.length > 0 ? TEMPERATURES[losses.indexOf(Math.min(...losses))] : USUAL_TEMPERATURE;
  return { right: right.length, temperature };
}
