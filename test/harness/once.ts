/** What `make` gives, made when it is first asked for. */
export function once<T>(make: () => Promise<T>): (() => Promise<T>) & { readonly begun: boolean } {
  let made: Promise<T> | undefined;
  const get = () => {
    made ??= make();
    return made;
  };
  return Object.defineProperty(get, 'begun', { get: () => made !== undefined }) as typeof get & { begun: boolean };
}
