import * as tuning from '../../engine/tune/tune.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** What finds out which are the fastest on this one, and where the time of a run goes. */
    tune: typeof tuning;
  }
}

register('tune', tuning);
