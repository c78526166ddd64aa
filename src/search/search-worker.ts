/**
 * The script of an index's worker. Where it is imported instead it leaves what it has for whoever did.
 */
import { expose } from 'comlink';
import { installTransferHandlers } from '../worker/wire.ts';
import { IndexHost } from './host.ts';
import { registerHost, WORKER_NAME } from './registry.ts';

registerHost(IndexHost);
if ((globalThis as { name?: string }).name === WORKER_NAME && typeof document === 'undefined') {
  installTransferHandlers();
  expose(new IndexHost());
}
