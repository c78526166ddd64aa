import * as words from '../../client/words/words.ts';
import { register } from '../registry.ts';

register('words', words);
