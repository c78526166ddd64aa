import { classify } from './classify.js';
import * as library from './node_modules/vit-webgpu/dist/lib/index.js';

classify(library);
