import * as words from '../../client/words/words.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** For the page: zero-shot labels, label files, classes of one's own. */
    words: typeof words;
  }
}

register('words', words);
