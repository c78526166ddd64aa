import * as cpu from '../../cpu/open.ts';
import { register } from '../registry.ts';

register('cpu', cpu);
