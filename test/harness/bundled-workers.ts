/**
 * Workers of the source are served as one file each, as the library ships them: else every worker that a test starts asks for all
 * its modules, one by one.
 */
import { resolve } from 'node:path';
import { build, type Plugin, type Rolldown } from 'vite';

/** What the library starts a worker with. */
const SCRIPT = /^\/(src\/(worker\/worker|annexes\/entries\/[\w-]+)\.ts)$/;

const bundles = new Map<string, Promise<string>>();

export const bundledWorkers: Plugin = {
  name: 'bundled-workers',
  apply: 'serve',
  configureServer(server) {
    server.middlewares.use(async ({ url, headers }, response, next) => {
      const file = SCRIPT.exec(url!.split('?')[0])?.[1];
      if (!file || headers['sec-fetch-dest'] !== 'worker') return next();
      if (!bundles.has(file)) bundles.set(file, bundle(file));
      const code = await bundles.get(file);
      for (const [name, value] of Object.entries(server.config.server.headers ?? {})) response.setHeader(name, value!);
      // A page may import the same file.
      response.setHeader('Vary', 'Sec-Fetch-Dest').setHeader('Content-Type', 'text/javascript').end(code);
    });
  },
};

async function bundle(file: string): Promise<string> {
  const lib = { entry: resolve(file), formats: ['es' as const], fileName: 'worker' };
  const options = { lib, write: false, minify: false, target: 'es2022' };
  const built = await build({ configFile: false, logLevel: 'warn', publicDir: false, build: options });
  const [{ output }] = built as Rolldown.RolldownOutput[];
  return output[0].code;
}
