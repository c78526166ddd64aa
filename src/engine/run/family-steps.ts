/**
 * Steps that some families of models have and a plain Vision Transformer has not, with their kernels: an annex.
 */
import { assemble } from '../../kernels/assemble.ts';
import { mean } from '../../kernels/mean.ts';
import { rotate } from '../../kernels/rotate.ts';
import { unfold } from '../../kernels/unfold.ts';
import { unitLength } from '../../kernels/unit-length.ts';
import { rotationTable } from '../../model/rotary.ts';
import { type SmallWeight, startsOf } from './packed-weights.ts';
import type { FamilySteps } from './program.ts';

export const FAMILY_STEPS: FamilySteps = {
  unfold: ({ output }, { plan }) => ({
    kernel: unfold(plan.architecture),
    operands: [{ input: 'pixels' }, { value: output }],
    rowsPerItem: 1,
  }),

  assemble({ starts, input, output }, { plan, columns }) {
    const tokens = plan.values[output].rows;
    const prefix = tokens - plan.values[input].rows;
    const added = startsOf(starts, null, tokens, columns[output]);
    return {
      kernel: assemble({ tokens, prefix, width: columns[output].count }),
      operands: [{ value: input }, added, { value: output }],
      rowsPerItem: tokens,
    };
  },

  rotate({ heads, frequencies, turning, first, input, output }, { plan }) {
    const tokens = plan.values[input].rows;
    const { pairs } = turning;
    const table: SmallWeight = {
      key: `rotation ${frequencies} ${turning.block}`,
      tensors: [frequencies],
      floats: turning.heads * (tokens - first) * pairs * 2,
      pack: ([data]) => Float32Array.from(rotationTable(data, turning)),
    };
    return {
      kernel: rotate({ tokens, first, heads, pairs, perHead: turning.heads > 1 }),
      operands: [table, { value: output }],
      rowsPerItem: plan.values[output].rows,
    };
  },

  mean({ first, count, part, largest, input, output }, { plan, columns }) {
    const { rows, groups: parts } = plan.values[output];
    const tokens = plan.values[input].rows;
    return {
      kernel: mean({ tokens, first, count, width: columns[input].count, part, parts, largest }),
      operands: [{ value: input }, { value: output }],
      rowsPerItem: rows,
    };
  },

  'unit-length': ({ input, output }, { plan, columns }) => ({
    kernel: unitLength({ columns: columns[input].count }),
    operands: [{ value: input }, { value: output }],
    rowsPerItem: plan.values[output].rows,
  }),
};
