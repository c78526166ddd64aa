import { Resizing } from '../../engine/resizing.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** Models at another image size than that of their files: one for all pictures, or that of each. */
    'image-size': { Resizing: typeof Resizing };
  }
}

register('image-size', { Resizing });
