/**
 * Whether a backend resizes a picture as the CPU does: the same bytes give the same numbers.
 */
import type { Backend, Input } from '../../backend.ts';
import type { Outputs } from '../../interface.ts';
import { goldenOutput, goldenPixels } from '../../model/golden.ts';
import type { Plan } from '../../model/plan.ts';
import { compare } from './self-test.ts';

const [WIDTH, HEIGHT] = [61, 47];

interface Picture {
  data: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
}

/** @param onCpu gives the planes that the network takes of a picture */
export async function resizesRightly(
  backend: Backend,
  { architecture }: Plan,
  onCpu: (picture: Picture) => Float32Array<ArrayBuffer>,
): Promise<boolean> {
  const noise = goldenPixels(1, [HEIGHT * WIDTH, 4]);
  const data = Uint8ClampedArray.from(noise, (value, i) => (i % 4 === 3 ? 255 : (value + 1) * 128));
  const picture = { data, width: WIDTH, height: HEIGHT };
  const name = goldenOutput(architecture);
  const run = async (input: Input): Promise<Outputs> => backend.run(input, { outputs: [name] });
  const expected = await run({ batch: 1, pixels: onCpu(picture) });
  const actual = await run({ batch: 1, usePicture: async (_, use) => use(picture) });
  return compare(actual[name]!.data, expected[name]!.data, 0).passed;
}
