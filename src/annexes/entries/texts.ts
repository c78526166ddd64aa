import * as texts from '../../engine/texts.ts';
import { register } from '../registry.ts';

register('texts', texts);
