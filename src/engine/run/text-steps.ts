/**
 * Steps of a text tower, with their kernel. They come with it.
 */
import { gather, placeRows } from '../../kernels/gather.ts';
import { type LargeWeight, stretchOf } from './packed-weights.ts';
import type { AnnexSteps } from './program.ts';

/** The largest binding that every GPU allows, in floats. */
const MAX_BINDING_FLOATS = 2 ** 27 / 4;

/** More rows than any buffer has. */
const MAX_ROWS = 2 ** 32 - 1;

export const TEXT_STEPS: Pick<AnnexSteps, 'lookup' | 'pick'> = {
  /** A table of words may be larger than one binding may be: then each piece of it serves its own words. */
  lookup({ table, position, output }, { plan, columns, shapes }) {
    const { count: width, stride } = columns[output];
    const rowsPerItem = plan.values[output].rows;
    const [words] = shapes.get(table)!;
    const most = Math.min(words, Math.floor(MAX_BINDING_FLOATS / stride));
    const rowsOf = (tensor: string, first: number, count: number): LargeWeight => ({
      key: `rows ${tensor} ${first}`,
      floats: count * stride,
      tensor,
      place: (packed, piece, from) => placeRows(packed, piece, from, { width, first, count }),
      // Of a table in several buffers each takes its part of every piece.
      ...(first === 0 && count >= words && { stretch: stretchOf({ rows: 1, elements: width, floats: stride }) }),
    });
    return Array.from({ length: Math.ceil(words / most) }, (_, i) => {
      const first = i * most;
      const count = Math.min(most, words - first);
      return {
        kernel: gather({ width, first, count, period: rowsPerItem }),
        operands: [rowsOf(table, first, count), { input: 'ids' }, rowsOf(position, 0, rowsPerItem), { value: output }],
        rowsPerItem,
      };
    });
  },

  pick: ({ input, output }, { plan, columns }) => ({
    kernel: gather({ width: columns[input].count, first: 0, count: MAX_ROWS, period: null }),
    operands: [{ value: input }, { input: 'ends' }, { value: input }, { value: output }],
    rowsPerItem: plan.values[output].rows,
  }),
};
