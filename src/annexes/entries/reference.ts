import * as oracle from '../../engine/check/oracle.ts';
import { register } from '../registry.ts';

register('reference', oracle);
