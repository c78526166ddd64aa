/**
 * Shaders as they are shipped.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** What a shader declares for all of it, and for what continues it. */
const SHARED_NAMES = new Set(
  readdirSync('shaders').flatMap((file) => {
    const declared = /^(?:@.*)?(?:const|alias|fn|struct|var<.*>) (\w+)/gm;
    return file.endsWith('.wgsl')
      ? [...readFileSync(`shaders/${file}`, 'utf8').matchAll(declared)].map(([, name]) => name)
      : [];
  }),
);

/** Parameters and local variables get names of one letter, but for those that are fields or types as well. */
function withShortNames(source: string): string {
  const code = source.replace(/\/\/.*$/gm, '');
  const words = new Set(code.match(/\b[A-Za-z_]\w*\b/g));
  const declared = /(?:^\s+|\()(?:let|var) (\w+)|[(, ](\w+)(?=: (?:vec|f32|u32|i32|mat|bool|array))/gm;
  const names = new Set([...code.matchAll(declared)].map(([, local, parameter]) => local ?? parameter));
  const isLocal = (name: string) =>
    name.length > 1 && !SHARED_NAMES.has(name) && !new RegExp(`\\.${name}\\b|\\b${name}<`).test(code);
  const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const free = letters.filter((letter) => !words.has(letter) && !SHARED_NAMES.has(letter));
  const short = new Map([...names].filter(isLocal).map((name, i) => [name, free[i] ?? name]));
  return code.replace(/(?<![.@\w]|var<)[a-z_]\w*\b/g, (word) => short.get(word) ?? word);
}

/** Constants stay as they are, for `specialise`; so does the space before a second minus, since two of them are an operator. */
export function shrinkShader(source: string): string {
  return withShortNames(source)
    .split('\n')
    .map((line) => line.replace(/\/\/.*$/, '').trim())
    .filter((line) => line !== '')
    .map((line) =>
      /^(const|alias) /.test(line) ? line : line.replace(/ *([=,;{}()<>:*+/|&%?]) */g, '$1').replace(/ - (?!-)/g, '-'),
    )
    .join('\n')
    .replace(/\n}|(?<=[,({])\n/g, (end) => end.trim());
}
