import * as oracle from '../../engine/check/oracle.ts';
import { EngineHost } from '../../engine/host.ts';
import type { EngineInterface } from '../../interface.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** The engine, for the page's own thread. */
    host: { EngineHost: new () => EngineInterface };
  }
}

register('host', { EngineHost });
// Where nothing can be imported later, as in service workers, the check of a GPU and the last resort come along.
register('reference', oracle);
