import { classify } from './classify.js';
import * as library from './node_modules/vit-webgpu/dist/lib/index.js';
import * as search from './node_modules/vit-webgpu/dist/search/search.js';

classify({ ...library, ...search });
