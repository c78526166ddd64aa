import * as oracle from '../../engine/check/oracle.ts';
import { EngineHost } from '../../engine/host.ts';
import { register } from '../registry.ts';

register('host', { EngineHost });
// Where nothing can be imported later, as in service workers, the check of a GPU and the last resort come along.
register('reference', oracle);
