import * as checkpoint from '../../checkpoint/open.ts';
import { register } from '../registry.ts';

register('convert', checkpoint);
