import * as tokenizer from '../../text/tokenizer.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** From words to token ids. */
    tokenizer: typeof tokenizer;
  }
}

register('tokenizer', tokenizer);
