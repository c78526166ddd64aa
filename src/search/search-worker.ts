/**
 * The script of an index's worker. Where it is imported instead it leaves what it has for whoever did.
 */
import { expose } from 'comlink';
import { installTransferHandlers } from '../worker/wire.ts';
import { leaveHost } from './host-registry.ts';
import { IndexHost } from './index-host.ts';

if (!leaveHost(IndexHost)) {
  installTransferHandlers();
  expose(new IndexHost());
}
