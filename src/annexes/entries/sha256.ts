import { sha256 } from '@noble/hashes/sha2.js';
import { register } from '../registry.ts';

register('sha256', { sha256 });
