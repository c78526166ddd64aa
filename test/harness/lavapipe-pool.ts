/**
 * Vitest in processes that lavapipe.sh starts.
 */
import { fileURLToPath } from 'node:url';
import { ForksPoolWorker, type PoolRunnerInitializer } from 'vitest/node';

const NODE_ON_LAVAPIPE = fileURLToPath(new URL('lavapipe.sh', import.meta.url));

export const lavapipePool: PoolRunnerInitializer = {
  name: 'lavapipe',
  createPoolWorker: (options) => new LavapipeWorker(options),
};

class LavapipeWorker extends ForksPoolWorker {
  override async start(): Promise<void> {
    // What `fork` starts, and vitest has no setting for it.
    const own = process.execPath;
    process.execPath = NODE_ON_LAVAPIPE;
    // Compiling is nearly all that these tests do, and it takes half the time without optimisations.
    process.env.GALLIVM_PERF = 'nopt';
    try {
      await super.start();
    } finally {
      process.execPath = own;
      delete process.env.GALLIVM_PERF;
    }
  }
}
