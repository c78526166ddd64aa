/**
 * What comes to a thread while its script is still being loaded: Node keeps it until somebody listens, Deno does not.
 */
import type { MessagePort } from 'node:worker_threads';

type Receive = (data: unknown) => void;

/** Listens from now on. @returns names who receives, first of all what came before */
export function receiveLater(port: MessagePort): (receive: Receive) => void {
  const early: unknown[] = [];
  let receive: Receive = (data) => void early.push(data);
  port.on('message', (data) => receive(data));
  return (receiver) => {
    receive = receiver;
    early.splice(0).forEach(receiver);
  };
}
