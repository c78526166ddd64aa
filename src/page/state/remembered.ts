/**
 * What is kept from one visit to the next: a few words, never a photo. Where the browser keeps nothing, nothing is kept.
 */
export const remembered = {
  get(name: string): string | null {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  },

  set(name: string, value: string): void {
    try {
      localStorage.setItem(name, value);
    } catch {
      // Private windows and full disks.
    }
  },
};
