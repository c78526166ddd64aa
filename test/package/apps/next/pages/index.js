import { useEffect } from 'react';
import * as library from 'vit-webgpu';
import { classify } from '../classify.js';

export default function Page() {
  useEffect(() => classify(library), []);
  return null;
}
