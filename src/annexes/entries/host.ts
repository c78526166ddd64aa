import { EngineHost } from '../../engine/host.ts';
// Where nothing can be imported later, as in service workers, the check of a GPU and the last resort come along.
import './reference.ts';
import { register } from '../registry.ts';

register('host', { EngineHost });
