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
    try {
      await super.start();
    } finally {
      process.execPath = own;
    }
  }
}
