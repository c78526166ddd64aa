import { useEffect } from 'react';
import * as library from 'vit-webgpu';
import * as search from 'vit-webgpu/search';
import { classify } from '../classify.js';

export default function Page() {
  useEffect(() => classify({ ...library, ...search }), []);
  return null;
}
