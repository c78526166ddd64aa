/**
 * Everything that is not localhost, for a browser that is told so (chrome-args.ts): a server that answers nothing and
 * writes down who was wanted. A process of its own:
 *
 *   node test/harness/elsewhere.js LOG
 *
 * prints the address it listens on, and adds a line to LOG for each connection: the host's name, of a request or of TLS.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';

const [log] = process.argv.slice(2);

writeFileSync(log, '');
const server = createServer((socket) => {
  let received = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    received = Buffer.concat([received, bytes]);
    if (wanted(received)) socket.destroy();
  });
  // A connection that names nobody counts, too.
  socket.on('close', () => appendFileSync(log, `${wanted(received) ?? 'somebody'}\n`));
  socket.on('error', () => {});
  socket.setTimeout(2000, () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`));

/** The host of an HTTP request, or of the server name extension of a TLS hello (RFC 6066): three lengths, one in the other. */
function wanted(bytes) {
  const host = /^host: (.*)\r$/im.exec(bytes.toString('latin1'))?.[1];
  if (host) return host;
  for (let at = 0; at + 9 <= bytes.length; at++) {
    const [type, extension, list, name] = [0, 2, 4, 7].map((offset) => bytes.readUInt16BE(at + offset));
    const isName = type === 0 && extension === list + 2 && bytes[at + 6] === 0 && list === name + 3;
    if (isName && at + 9 + name <= bytes.length) return bytes.toString('latin1', at + 9, at + 9 + name);
  }
  return null;
}
