import * as tuning from '../../engine/tune/tune.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** Finds the kernels that are the fastest on this GPU, and where the time of a run goes. */
    tune: typeof tuning;
  }
}

register('tune', tuning);
