import * as library from 'vit-webgpu';
import { classify } from './classify.js';

classify(library);
