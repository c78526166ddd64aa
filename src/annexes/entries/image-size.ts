import * as imageSize from '../../weights/image-size.ts';
import { register } from '../registry.ts';

register('image-size', imageSize);
