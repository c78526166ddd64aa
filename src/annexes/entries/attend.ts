import * as attend from '../../engine/attend.ts';
import { register } from '../registry.ts';

register('attend', attend);
