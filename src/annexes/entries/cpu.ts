/**
 * The model on the CPU. The workers of a team run this script, too.
 */
import { serveIfHelper } from '../../cpu/helper.ts';
import { fetchKernels } from '../../cpu/open-cpu.ts';
import { openFastCpu } from '../../engine/fast-cpu.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** Kernels for the CPU. */
    cpu: { openFastCpu: typeof openFastCpu; fetchKernels: typeof fetchKernels };
  }
}

register('cpu', { openFastCpu, fetchKernels });
serveIfHelper();
