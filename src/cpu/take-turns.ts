/**
 * Long work on the CPU that lets others of its thread have their turn: an abort, a click, a message.
 */

/** Milliseconds without a pause: less than a frame. */
const LONGEST = 10;

/** Runs `work` to its end: waits for promises that it yields, and pauses wherever it yields and the last pause is long ago. */
export async function takeTurns(work: Iterable<unknown>): Promise<void> {
  let since = performance.now();
  for (const turn of work) {
    if (turn instanceof Promise) await turn;
    else if (performance.now() - since < LONGEST) continue;
    else await pause();
    since = performance.now();
  }
}

const { port1, port2 } = new MessageChannel();
port1.start();

/** A message to oneself comes behind what waits already. Timers would be held back by 4 ms each. */
export function pause(): Promise<unknown> {
  return new Promise((resolve) => {
    // Node ends in spite of a port that nobody listens to.
    port1.addEventListener('message', resolve, { once: true });
    port2.postMessage(null);
  });
}
