import * as checkpoint from '../../checkpoint/open-checkpoint-source.ts';
import { SecondOpinion } from '../../engine/check/second-opinion.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** Checkpoints, from the Hub or dropped, and what their models have in place of a golden. */
    convert: typeof checkpoint & { SecondOpinion: typeof SecondOpinion };
  }
}

register('convert', { ...checkpoint, SecondOpinion });
