/**
 * How a team without shared memory splits linear layers by their inputs: whatever is asked, so that weights fit, and all of it once.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesSource } from '../../src/convert/byte-source.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { prepareModel } from '../../src/convert/prepare-model.ts';
import { everyone, partsOfHeads, partsOfInput } from '../../src/cpu/parts-of-input.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { extrasFor, type OutputName } from '../../src/model/outputs.ts';
import { type Plan, planViT, type Step, type StepOf } from '../../src/model/plan.ts';
import { planText } from '../../src/model/plan-text.ts';
import { FAMILY_NAMES, FAMILY2_NAMES, familyFixture } from '../harness/checkpoints.ts';
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

/** Steps that are split by their inputs. What nobody has whole before them, they alone may read, and nobody may be shown. */
function splitSteps({ steps, outputs }: Plan): string[] {
  const shown = new Set(Object.values(outputs).flatMap(({ values }) => values));
  return steps.flatMap((step, index) => {
    const before = steps[index - 1];
    if (!partsOfInput(before, step, { rows: 5, columns: 24 }, { member: 0, members: 2 })) return [];
    const value = before.output;
    expect('input' in step && step.input).toBe(value);
    const behind = steps.slice(index + 1);
    const written = behind.findIndex(({ output }) => output === value);
    const readers = (written < 0 ? behind : behind.slice(0, written + 1)).filter(
      (other) => 'input' in other && other.input === value,
    );
    expect(readers).toEqual([]);
    if (written < 0) expect(shown).not.toContain(value);
    return [step.label];
  });
}

test('projections and contractions are split, whatever is asked', () => {
  const network = withDefaults({ ...TINY, layerScale: true });
  const extras = [{}, { tokens: true, hidden: true, attention: [0, 1] }];
  const split = extras.map((extra) => splitSteps(planViT(network, extra)));
  expect(split[0]).toEqual(['block00/project', 'block00/contract', 'block01/project', 'block01/contract']);
  expect(split[1]).toEqual(split[0]);
});

test('what nobody has whole is read by the next step alone, in every family', async () => {
  for (const name of [...FAMILY_NAMES, ...FAMILY2_NAMES]) {
    const { bytes, options } = await familyFixture(name);
    const { network } = await prepareModel(await openCheckpoint(bytesSource(bytes)), { ...options, name });
    const plans = [[], ['tokens'], ['hidden'], ['attention']].map((outputs) =>
      planViT(network, extrasFor({ outputs: outputs as OutputName[] }, network.depth)),
    );
    if (network.text) plans.push(planText(network, network.text));
    // Norms stand between its layers.
    expect(plans.flatMap(splitSteps).length > 0, name).toBe(name !== 'timm-beit3');
  }
});

test('a step that reads something else is not', () => {
  const { steps } = planViT(withDefaults(TINY));
  const contract = steps.find(({ label }) => label === 'block00/contract') as StepOf<'matmul'>;
  const before = steps[steps.indexOf(contract) - 1];
  const split = (step: Step) => partsOfInput(before, step, { rows: 5, columns: 24 }, { member: 0, members: 2 });
  expect(split(contract)).toHaveLength(1);
  expect(split({ ...contract, input: contract.output })).toBeNull();
});
