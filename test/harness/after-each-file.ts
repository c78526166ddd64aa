/**
 * Files share a page: what one left behind is gone before the next begins.
 */
import { afterAll } from 'vitest';
import { collectGarbage } from './collect-garbage.ts';

afterAll(collectGarbage);
