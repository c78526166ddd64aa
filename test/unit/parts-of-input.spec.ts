/**
 * How a team without shared memory splits linear layers by their inputs: whatever is asked, so that weights fit, and all of it once.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { everyone, partsOfHeads, partsOfInput } from '../../src/cpu/parts-of-input.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { planViT } from '../../src/model/plan.ts';
import { TINY } from '../harness/tiny-model.ts';

const SIZE = 2;
const places = (members: number) => everyone({ member: 0, members });

test('each row of each head is of one member, in whole heads first', () => {
  const cases = fc.record({
    heads: fc.integer({ min: 1, max: 7 }),
    rows: fc.integer({ min: 1, max: 9 }),
    members: fc.integer({ min: 1, max: 8 }),
  });
  fc.assert(
    fc.property(cases, ({ heads, rows, members }) => {
      const times = new Map<string, number>();
      for (const place of places(members)) {
        const [first, ...others] = partsOfHeads({ rows, columns: SIZE * heads }, heads, place);
        expect(first.rows).toEqual({ from: 0, to: rows });
        for (const { columns } of others) expect(columns.to - columns.from).toBe(SIZE);
        for (const part of [first, ...others]) {
          for (let row = part.rows.from; row < part.rows.to; row++) {
            for (let column = part.columns.from; column < part.columns.to; column++) {
              times.set(`${row} ${column}`, (times.get(`${row} ${column}`) ?? 0) + 1);
            }
          }
        }
      }
      expect([times.size, new Set(times.values())]).toEqual([rows * heads * SIZE, new Set([1])]);
    }),
  );
});

test('how many rows there are changes no weight', () => {
  for (const heads of [1, 3, 5]) {
    for (const place of places(4)) {
      const [few, many] = [1, 197].map((rows) => partsOfHeads({ rows, columns: SIZE * heads }, heads, place));
      expect(few.map(({ columns }) => columns)).toEqual(many.map(({ columns }) => columns));
    }
  }
});

test('what nobody has whole is read by the next step alone, whatever is asked', () => {
  const network = withDefaults({ ...TINY, layerScale: true });
  const extras = [{}, { tokens: true, hidden: true, attention: [0, 1] }];
  const split = extras.map((extra) => {
    const { steps, outputs } = planViT(network, extra);
    const shown = new Set(Object.values(outputs).flatMap(({ values }) => values));
    return steps.flatMap((step, index) => {
      const before = steps[index - 1];
      if (!partsOfInput(before, step, { rows: 5, columns: 24 }, { member: 0, members: 2 })) return [];
      expect(shown).not.toContain(before.output);
      const later = steps.slice(index + 1).find((other) => 'input' in other && other.input === before.output);
      if (later)
        expect(steps.slice(index + 1, steps.indexOf(later)).map(({ output }) => output)).toContain(before.output);
      return [step.label];
    });
  });
  expect(split[0]).toEqual(['block00/project', 'block00/contract', 'block01/project', 'block01/contract']);
  expect(split[1]).toEqual(split[0]);
});
