import * as library from 'vit-webgpu';
import * as search from 'vit-webgpu/search';
import { classify } from './classify.js';

classify({ ...library, ...search });
