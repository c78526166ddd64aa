/**
 * The address of a Hub as people give it.
 */
import { ViTError } from '../error.ts';

/**
 * @returns without a slash at its end
 * @throws ViTError `bad-input` when it is no URL
 */
export function parseEndpoint(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '');
  throw new ViTError('bad-input', `${text} is not the URL of a Hub.`);
}
