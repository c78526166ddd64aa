/**
 * The model on the CPU. The workers of a team run this script, too.
 */
import { serveIfHelper } from '../../cpu/helper.ts';
import { openFastCpu } from '../../engine/fast-cpu.ts';
import { register } from '../registry.ts';

register('cpu', { openFastCpu });
serveIfHelper();
