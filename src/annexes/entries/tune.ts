import * as tuning from '../../engine/tune/tune.ts';
import { register } from '../registry.ts';

register('tune', tuning);
