/**
 * A file of this machine, in Node: its fetch reads none.
 */
interface Node {
  process: { getBuiltinModule(name: string): { readFile(url: URL): Promise<Uint8Array<ArrayBuffer>> } };
}

/** An import, even one that is never reached, would be looked for by bundlers. */
export async function readLocalFile(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const { process } = globalThis as unknown as Node;
  return new Uint8Array(await process.getBuiltinModule('node:fs/promises').readFile(url));
}
