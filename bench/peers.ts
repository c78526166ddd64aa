/**
 * Packages that are loaded when they are asked for and not built in: peers from the benchmark's own package, Dawn and
 * onnxruntime-web from the project's. A bundle has them beside it.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.cwd(), 'bench', 'package.json'));

/** The first of these packages that is installed. @throws when none is */
// biome-ignore lint/suspicious/noExplicitAny: they need not be installed, so that neither are their types
export function requireFirst(...names: string[]): any {
  for (const name of names.slice(0, -1)) {
    try {
      return require(name);
    } catch {
      // The next one.
    }
  }
  return require(names[names.length - 1]);
}
