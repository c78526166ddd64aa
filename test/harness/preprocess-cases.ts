/** Pictures, pipelines and what Pillow makes of them: the goldens of `test/fixtures/preprocess`, in the browser. */
import type { Preprocess } from '../../src/model/preprocess.ts';
import { fixture, readBytes, readJson } from './files.ts';

export interface PreprocessCase {
  image: string;
  pipeline: string;
  /** File with the RGB bytes. */
  expected: string;
  width: number;
  height: number;
}

/** One file and what Pillow decodes from it: names of files with RGB bytes. */
export interface DecodeCase {
  image: string;
  what: string;
  width: number;
  height: number;
  rgb: string;
  /** Composited over a background colour. */
  over?: { background: [number, number, number]; rgb: string };
  /** With EXIF not applied. */
  stored?: { width: number; height: number; rgb: string };
}

interface PreprocessJson {
  cases: PreprocessCase[];
  pipelines: ({ name: string } & Pick<Preprocess, 'resize' | 'filter' | 'crop'>)[];
}

const UNIT = { mean: [0, 0, 0], std: [1, 1, 1] };

export async function preprocessCases(): Promise<{ cases: PreprocessCase[]; pipelines: Record<string, Preprocess> }> {
  const json = await readJson<PreprocessJson>(fixture('preprocess/cases.json'));
  const pipelines: Record<string, Preprocess> = {};
  for (const { name, ...spec } of json.pipelines) pipelines[name] = { ...spec, ...UNIT };
  return { cases: json.cases, pipelines };
}

export async function fixtureBlob(name: string): Promise<Blob> {
  return new Blob([await fixtureBytes(name)]);
}

export async function fixtureBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return readBytes(fixture(`preprocess/${name}`));
}

export async function decodeCases(): Promise<DecodeCase[]> {
  return (await readJson<{ cases: DecodeCase[] }>(fixture('decode/cases.json'))).cases;
}

/** A file of `decodeCases`. */
export async function decodeFile(name: string): Promise<Blob> {
  return new Blob([await readBytes(fixture(`decode/${name}`))]);
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
