import * as checkpoint from '../../checkpoint/open-checkpoint-source.ts';
import { SecondOpinion } from '../../engine/check/second-opinion.ts';
import { register } from '../registry.ts';

register('convert', { ...checkpoint, SecondOpinion });
