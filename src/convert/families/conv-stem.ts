/**
 * Convolutions one after the other whose stride is their kernel, as linear layers of a whole patch: no pixel of another patch
 * is seen, so a layer is a matrix with one block for each place of its kernel. A BatchNorm is multiplied in.
 */
import { ViTError } from '../../error.ts';
import type { Rule, Transform } from './family.ts';
import { requireRank } from './transforms.ts';

const BATCH_NORM_EPSILON = 1e-5;

/**
 * MobileCLIP-B's: kernels of 4, 2 and 2, an activation between them (timm/models/vision_transformer_hybrid.py).
 * @param stem module with its dot
 */
export function convolutionStem(stem: string): Rule[] {
  const kernels = [0, 1, 2].map((i) => `${stem}${i}.conv.weight`);
  const norm = (i: number) => ['weight', 'bias', 'running_mean', 'running_var'].map((name) => `${stem}${i}.bn.${name}`);
  return [0, 1]
    .flatMap((i): Rule[] => [
      { to: `patch_embed.stem.${i}.weight`, from: [...kernels, ...norm(i)], transform: layer(i, 'weight') },
      { to: `patch_embed.stem.${i}.bias`, from: [...kernels, ...norm(i)], transform: layer(i, 'bias') },
    ])
    .concat([{ to: 'patch_embed.proj.weight', from: [kernels[2]], transform: last }]);
}

/** The last convolution sees all that is left of a patch. */
const last: Transform = {
  shape([shape]) {
    requireRank(shape, 4);
    return [shape[0], shape[1] * shape[2] * shape[3]];
  },
  // Places first, then channels: the order in which the layer before it has its outputs.
  apply([values], [[outputs, channels, height, width]]) {
    const result = new Float32Array(values.length);
    const places = height * width;
    for (let o = 0; o < outputs; o++) {
      for (let c = 0; c < channels; c++) {
        for (let p = 0; p < places; p++) {
          result[(o * places + p) * channels + c] = values[(o * channels + c) * places + p];
        }
      }
    }
    return result;
  },
};

/** Inputs: the three kernels, then the norm of this one. */
function layer(index: number, part: 'weight' | 'bias'): Transform {
  const sizes = (shapes: readonly (readonly number[])[]) => {
    const kernels = shapes.slice(0, 3);
    for (const shape of kernels) requireRank(shape, 4);
    if (kernels.some(([, , height, width]) => height !== width)) {
      throw new ViTError('bad-input', `kernels of ${kernels.map((shape) => `[${shape}]`).join(', ')} are no squares.`);
    }
    const [outputs, channels, kernel] = kernels[index];
    // Places along one side that this layer writes, and those that it reads, in the whole patch.
    const writes = kernels.slice(index + 1).reduce((side, shape) => side * shape[2], 1);
    return { outputs, channels, kernel, writes, reads: writes * kernel };
  };
  return {
    shape(shapes) {
      const { outputs, channels, writes, reads } = sizes(shapes);
      return part === 'bias' ? [writes ** 2 * outputs] : [writes ** 2 * outputs, channels * reads ** 2];
    },
    apply(inputs, shapes) {
      const { outputs, channels, kernel, writes, reads } = sizes(shapes);
      const [weight, bias, mean, variance] = inputs.slice(3);
      const scale = Float64Array.from(weight, (value, o) => value / Math.sqrt(variance[o] + BATCH_NORM_EPSILON));
      const places = writes ** 2;
      if (part === 'bias') {
        return Float32Array.from({ length: places * outputs }, (_, i) => {
          const o = i % outputs;
          return bias[o] - mean[o] * scale[o];
        });
      }
      const columns = channels * reads ** 2;
      const matrix = new Float32Array(places * outputs * columns);
      for (let place = 0; place < places; place++) {
        const [top, left] = [Math.floor(place / writes) * kernel, (place % writes) * kernel];
        for (let o = 0; o < outputs; o++) {
          const row = (place * outputs + o) * columns;
          for (let c = 0; c < channels; c++) {
            for (let y = 0; y < kernel; y++) {
              for (let x = 0; x < kernel; x++) {
                const at = (top + y) * reads + left + x;
                // Pixels come channel by channel, what the layer before wrote place by place.
                const column = index === 0 ? c * reads ** 2 + at : at * channels + c;
                const value = inputs[index][((o * channels + c) * kernel + y) * kernel + x];
                matrix[row + column] = value * scale[o];
              }
            }
          }
        }
      }
      return matrix;
    },
    ...(index === 0 && {
      patch(shapes) {
        const { channels, reads } = sizes(shapes);
        return [channels, reads, reads];
      },
    }),
  };
}
