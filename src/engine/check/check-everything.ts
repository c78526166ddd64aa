/**
 * What `selfTest` does: everything that is tested once per GPU, and every kernel, now.
 */
import type { Backend } from '../../backend.ts';
import { ViTError } from '../../error.ts';
import type { EngineOptions, SelfTest } from '../../interface.ts';
import { replayGolden } from './self-test.ts';
import type { Replay } from './tower.ts';

/** @throws ViTError `bad-input` where there is no golden */
export async function checkEverything(
  backend: Backend,
  replay: Replay | null,
  dtype: EngineOptions['dtype'],
): Promise<SelfTest> {
  if (!replay) {
    throw new ViTError(
      'bad-input',
      'There is no golden: it is of the image size of the files, and of models that were converted beforehand.',
    );
  }
  const golden = await replayGolden(backend, replay, dtype);
  const kernels = (await backend.check?.()) ?? [];
  return { ...golden, passed: golden.passed && kernels.every(({ passed }) => passed), kernels };
}
