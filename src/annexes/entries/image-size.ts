import { Resizing } from '../../engine/resizing.ts';
import { register } from '../registry.ts';

register('image-size', { Resizing });
