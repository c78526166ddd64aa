import * as texts from '../../engine/texts.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** The text tower of a CLIP or SigLIP. */
    texts: typeof texts;
  }
}

register('texts', texts);
