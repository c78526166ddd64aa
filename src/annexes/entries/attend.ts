import * as attend from '../../engine/attend.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** Attention maps. */
    attend: typeof attend;
  }
}

register('attend', attend);
