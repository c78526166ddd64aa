/** Pictures, pipelines and what Pillow makes of them: the goldens of `test/fixtures/preprocess`, in the browser. */
import type { Preprocess } from '../../src/model/preprocess.ts';

export interface PreprocessCase {
  image: string;
  pipeline: string;
  /** File with the RGB bytes. */
  expected: string;
  width: number;
  height: number;
}

const FOLDER = '/test/fixtures/preprocess/';
const UNIT = { mean: [0, 0, 0], std: [1, 1, 1] };

export async function preprocessCases(): Promise<{ cases: PreprocessCase[]; pipelines: Record<string, Preprocess> }> {
  const json = await (await fixture('cases.json')).json();
  const pipelines: Record<string, Preprocess> = {};
  for (const { name, ...spec } of json.pipelines) pipelines[name] = { ...spec, ...UNIT };
  return { cases: json.cases, pipelines };
}

export async function fixtureBlob(name: string): Promise<Blob> {
  return (await fixture(name)).blob();
}

export async function fixtureBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await fixture(name)).arrayBuffer());
}

/** A development server answers a missing file with the page itself: that is no fixture. */
async function fixture(name: string): Promise<Response> {
  const response = await fetch(FOLDER + name);
  if (!response.ok || response.headers.get('content-type')?.startsWith('text/html')) {
    throw new Error(`No fixture ${name}`);
  }
  return response;
}

/** How many bytes differ, and by how much at most. Lengths must be equal. */
export function countDifferences(actual: ArrayLike<number>, expected: ArrayLike<number>) {
  if (actual.length !== expected.length) throw new Error(`${actual.length} bytes instead of ${expected.length}`);
  let differ = 0;
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (difference > 0) differ++;
    largest = Math.max(largest, difference);
  }
  return { differ, largest };
}
