import { EngineHost } from '../../engine/host.ts';
import { register } from '../registry.ts';

register('host', { EngineHost });
