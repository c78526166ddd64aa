import * as tokenizer from '../../text/tokenizer.ts';
import { register } from '../registry.ts';

register('tokenizer', tokenizer);
