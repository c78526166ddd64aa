import { EngineHost } from '../engine/host.ts';
import { exposeEngine } from './wire.ts';

exposeEngine(new EngineHost());
