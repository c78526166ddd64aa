/**
 * Of a spec's fixtures those that this run is about: all, unless the project in vite.config.ts names some.
 */
const CHOSEN: string[] | undefined = import.meta.env.VIT_FAMILIES;

export function chosen(names: string[]): string[] {
  return CHOSEN ? names.filter((name) => CHOSEN.includes(name)) : names;
}
