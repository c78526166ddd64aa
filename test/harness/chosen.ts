/**
 * Of a spec's fixtures those that this run is about: all, unless the project in vite.config.ts names some. Only browsers are given
 * such a list: in Node Vitest shows every project what one of them defines.
 */
const CHOSEN: string[] | undefined = typeof document === 'undefined' ? undefined : import.meta.env.VIT_FAMILIES;

export function chosen(names: string[]): string[] {
  return CHOSEN ? names.filter((name) => CHOSEN.includes(name)) : names;
}
