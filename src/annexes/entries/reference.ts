import * as oracle from '../../engine/check/oracle.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** The network in float64: what kernels are checked against, and the last resort. */
    reference: typeof oracle;
  }
}

register('reference', oracle);
