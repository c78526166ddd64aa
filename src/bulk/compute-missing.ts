/**
 * All parts that an output lacks, one after the other, in this process.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { computePart, type PartOptions } from './compute-part.ts';
import type { Computer } from './computer.ts';
import { idsOf, missingParts, type Output } from './output.ts';
import { partName, writePart } from './part-files.ts';

/** A part is written while the next is computed. @throws what `computePart` throws, and the file system */
export async function computeMissing(
  output: Output,
  computer: Computer,
  { signal, onDone }: PartOptions = {},
): Promise<void> {
  let written: Promise<void> = Promise.resolve();
  try {
    for (const part of await missingParts(output)) {
      // Another process may be at work here, too.
      if (existsSync(join(output.folder, partName(part)))) {
        onDone?.(idsOf(output, part).length, 0);
        continue;
      }
      const [computed] = await Promise.all([computePart(output, part, computer, { signal, onDone }), written]);
      written = writePart(output.folder, computed);
      // Waited for above or below: not an unhandled one until then.
      written.catch(() => {});
    }
  } finally {
    // However it ends, nothing is being written any more.
    await written;
  }
}
