/**
 * Shards over a bad line, from bad servers, and in little memory. The server is a real one.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { fetchManifest, fetchShards } from '../../src/weights/fetch-model.ts';
import { ModelCache } from '../../src/weights/model-cache.ts';
import { ShardAddresses } from '../../src/weights/shard-addresses.ts';
import { QUICKER, quickPauses } from '../harness/quick-pauses.ts';
import { type Exchange, ShardServer } from '../harness/shard-server.ts';

const SHARD = 400_000 - (400_000 % 256);

quickPauses();

let server: ShardServer;
afterEach(() => server.stop());

/** Fetches every shard, and compares each with the server's while it is valid. */
async function fetchAll(signal = new AbortController().signal, onShard?: (index: number) => void): Promise<number[]> {
  const progress: number[] = [];
  let index = 0;
  const onBytes = (count: number) => progress.push((progress.at(-1) ?? 0) + count);
  for await (const bytes of fetchShards(server.manifest, {
    addresses: new ShardAddresses(server.url),
    cache: null,
    onBytes,
    signal,
  })) {
    expect(Buffer.compare(bytes, server.shards[index])).toBe(0);
    onShard?.(index);
    index++;
  }
  expect(index).toBe(server.shards.length);
  return progress;
}

/** Progress only grows, and ends at exactly the bytes of the manifest. */
function expectProgress(progress: number[]): void {
  for (let i = 1; i < progress.length; i++) expect(progress[i]).toBeGreaterThan(progress[i - 1]);
  expect(progress.at(-1)).toBe(server.shards.length * server.shards[0].length);
}

/** Sends the first `count` bytes and drops the line. */
function cut({ response, bytes }: Exchange, count: number): true {
  response.writeHead(200, { 'content-length': bytes.length });
  response.write(bytes.subarray(0, count), () => response.destroy());
  return true;
}

describe('a good server', () => {
  test('the shards come in order, though not in the order they arrive', async () => {
    server = await ShardServer.start(7, SHARD);
    let release = () => {};
    server.misbehave = ({ file, response, bytes }) => {
      if (file === 'shard-0.bin') release = () => response.end(bytes);
      else if (file === 'shard-1.bin') response.end(bytes, () => release());
      return file === 'shard-0.bin' || file === 'shard-1.bin';
    };
    expectProgress(await fetchAll());
    expect([...server.log].sort()).toEqual(server.entries.map(({ file }) => file));
  });

  test('the manifest is asked for before the cache is open', async () => {
    server = await ShardServer.start(1, SHARD);
    let open!: (cache: ModelCache) => void;
    const cache = new Promise<ModelCache>((resolve) => {
      open = resolve;
    });
    server.misbehave = ({ response }) => {
      open(new ModelCache(null, () => {}));
      response.end('{}');
      return true;
    };
    const reading = fetchManifest(server.url, cache, new AbortController().signal);
    await expect(reading).rejects.toMatchObject({ code: 'bad-manifest' });
  });

  test('each shard is handed on before the one after the next is asked for', async () => {
    server = await ShardServer.start(6, SHARD);
    const asked: number[] = [];
    await fetchAll(undefined, () => asked.push(server.log.length));
    expect(asked.map((count, i) => count - i <= 2)).toEqual(new Array(6).fill(true));
  });

  test('two shards of memory, whatever the size of the model', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const shard = 2 ** 23;
    server = await ShardServer.start(12, shard, true, 2 ** 19);
    // What the tests before left behind goes in two steps.
    collect();
    await new Promise(setImmediate);
    collect();
    const before = process.memoryUsage().arrayBuffers;
    const held: number[] = [];
    await fetchAll(undefined, () => {
      collect();
      held.push((process.memoryUsage().arrayBuffers - before) / shard);
    });
    // Now and then the sockets of client and server hold something, too: the median leaves that out.
    const median = held.sort((a, b) => a - b)[6];
    expect(median).toBeGreaterThan(1.9);
    expect(median).toBeLessThan(2.1);
  });

  test('compressed responses count as what they become', async () => {
    server = await ShardServer.start(3, SHARD, true);
    server.misbehave = ({ response, bytes }) => {
      const body = gzipSync(bytes);
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
      return true;
    };
    expectProgress(await fetchAll());
  });
});

describe('a bad line', () => {
  test('what broke off goes on where it ended', async () => {
    server = await ShardServer.start(3, SHARD);
    server.misbehave = (exchange) => exchange.file === 'shard-1.bin' && exchange.before === 0 && cut(exchange, 150_000);
    expectProgress(await fetchAll());
    expect(server.log.filter((entry) => entry.startsWith('shard-1'))).toEqual([
      'shard-1.bin',
      expect.stringMatching(/^shard-1\.bin bytes=[1-9]\d*-$/),
    ]);
  });

  test('more failures than are forgiven in a row, with progress between them', async () => {
    server = await ShardServer.start(1, SHARD);
    server.misbehave = (exchange) => {
      const { request, response, bytes, before } = exchange;
      if (before === 0) return cut(exchange, 60_000);
      if (before > 6) return false;
      const from = Number(/\d+/.exec(request.headers.range!)![0]);
      response.writeHead(206, {
        'content-range': `bytes ${from}-${SHARD - 1}/${SHARD}`,
        'content-length': SHARD - from,
      });
      response.write(bytes.subarray(from, from + 40_000), () => response.destroy());
      return true;
    };
    expectProgress(await fetchAll());
    expect(server.log).toHaveLength(8);
  });

  const ranges: [string, (exchange: Exchange) => void][] = [
    ['knows no ranges', ({ response, bytes }) => response.writeHead(200).end(bytes)],
    [
      'sends another range',
      ({ response, bytes }) => response.writeHead(206, { 'content-range': `bytes 0-${SHARD - 1}/${SHARD}` }).end(bytes),
    ],
    ['refuses the range', ({ response }) => response.writeHead(416).end()],
  ];
  for (const [name, answer] of ranges) {
    test(`a server that ${name}: from the beginning`, async () => {
      server = await ShardServer.start(2, SHARD);
      server.misbehave = (exchange) => {
        if (exchange.file !== 'shard-0.bin') return false;
        if (exchange.before === 0) return cut(exchange, 100_000);
        if (!exchange.request.headers.range) return false;
        answer(exchange);
        return true;
      };
      expectProgress(await fetchAll());
    });
  }

  test('a server that is overloaded for a while is left alone, and the second time for longer', async () => {
    server = await ShardServer.start(2, SHARD);
    const asked: Record<string, number[]> = {};
    server.misbehave = ({ file, response, before }) => {
      asked[file] = [...(asked[file] ?? []), performance.now()];
      if (before < 2) response.writeHead([503, 429][before]).end();
      return before < 2;
    };
    expectProgress(await fetchAll());
    expect(server.log).toHaveLength(6);
    for (const [first, second, third] of Object.values(asked)) {
      // Timers may be a millisecond early.
      expect(second - first).toBeGreaterThan(100 / QUICKER - 1);
      expect(third - second).toBeGreaterThan(200 / QUICKER - 1);
    }
  });

  test('a server that stays overloaded: network, after five attempts', async () => {
    server = await ShardServer.start(1, SHARD);
    server.misbehave = ({ response }) => !!response.writeHead(500).end();
    await expect(fetchAll()).rejects.toMatchObject({ code: 'network', message: expect.stringMatching(/shard-0.*500/) });
    expect(server.log).toHaveLength(5);
  });

  test('what is not there is not asked for again', async () => {
    server = await ShardServer.start(1, SHARD);
    server.misbehave = ({ response }) => !!response.writeHead(404).end();
    await expect(fetchAll()).rejects.toMatchObject({ code: 'network' });
    expect(server.log).toHaveLength(1);
  });
});

describe('wrong bytes', () => {
  test('are fetched once more, past every cache', async () => {
    server = await ShardServer.start(2, SHARD);
    const cacheControl: (string | undefined)[] = [];
    server.misbehave = ({ file, request, response, bytes, before }) => {
      if (file !== 'shard-1.bin') return false;
      cacheControl.push(request.headers['cache-control']);
      const stale = bytes.slice();
      stale[1234] ^= 1;
      if (before === 0) response.end(stale);
      return before === 0;
    };
    expectProgress(await fetchAll());
    expect(cacheControl).toEqual([undefined, 'no-cache']);
  });

  for (const [name, change] of [
    ['altered', (bytes: Uint8Array) => bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte))],
    ['cut short', (bytes: Uint8Array) => bytes.slice(0, 1000)],
    ['too long', (bytes: Uint8Array) => Buffer.concat([bytes, bytes])],
  ] as const) {
    test(`${name}, twice: bad-shard`, async () => {
      server = await ShardServer.start(1, SHARD);
      server.misbehave = ({ response, bytes }) => !!response.end(change(bytes));
      await expect(fetchAll()).rejects.toMatchObject({
        code: 'bad-shard',
        message: expect.stringMatching(/shard-0\.bin/),
      });
      expect(server.log).toHaveLength(2);
    });
  }
});

describe('hashes of pieces', () => {
  /** The last one is shorter. */
  const PIECE = 100_000;
  const ends = [PIECE, 2 * PIECE, 3 * PIECE, SHARD];

  test('a shard is good when each of its pieces is, however it arrives', async () => {
    server = await ShardServer.start(2, SHARD, false, PIECE);
    server.misbehave = (exchange) => exchange.before === 0 && cut(exchange, 150_000);
    expectProgress(await fetchAll());
    expect(server.log).toHaveLength(4);
  });

  test('a flipped bit in any of them: bad-shard that names the bytes, and nothing is handed on', async () => {
    server = await ShardServer.start(1, SHARD, false, PIECE);
    for (const [piece, end] of ends.entries()) {
      for (const flipped of [piece * PIECE, end - 1]) {
        server.misbehave = ({ response, bytes }) =>
          !!response.end(bytes.map((byte, i) => (i === flipped ? byte ^ 1 : byte)));
        let handedOn = 0;
        await expect(fetchAll(undefined, () => handedOn++)).rejects.toMatchObject({
          code: 'bad-shard',
          message: expect.stringContaining(
            `shard-0.bin was altered: the SHA-256 of its bytes ${piece * PIECE} to ${end - 1} `,
          ),
        });
        expect(handedOn).toBe(0);
      }
    }
  });

  for (const [name, change] of [
    [
      'pieces in another order',
      (bytes: Uint8Array) =>
        Buffer.concat([bytes.slice(PIECE, 2 * PIECE), bytes.slice(0, PIECE), bytes.slice(2 * PIECE)]),
    ],
    ['whole pieces alone', (bytes: Uint8Array) => bytes.slice(0, 3 * PIECE)],
    ['more behind the last one', (bytes: Uint8Array) => Buffer.concat([bytes, bytes.slice(0, 1)])],
    ['another file of this size', (bytes: Uint8Array) => new Uint8Array(bytes.length)],
  ] as const) {
    test(`${name}: bad-shard`, async () => {
      server = await ShardServer.start(1, SHARD, false, PIECE);
      server.misbehave = ({ response, bytes }) => !!response.end(change(bytes));
      await expect(fetchAll()).rejects.toMatchObject({
        code: 'bad-shard',
        message: expect.stringContaining('shard-0.bin'),
      });
    });
  }

  test('a piece in which the line broke is checked whole', async () => {
    server = await ShardServer.start(1, SHARD, false, PIECE);
    server.misbehave = (exchange) => {
      const altered = { ...exchange, bytes: exchange.bytes.map((byte, i) => (i === 120_000 ? byte ^ 1 : byte)) };
      return exchange.before === 0 && cut(altered, 150_000);
    };
    expectProgress(await fetchAll());
    // The second goes on, the third is past every cache.
    expect(server.log).toEqual(['shard-0.bin', expect.stringMatching(/^shard-0\.bin bytes=[1-9]\d*-$/), 'shard-0.bin']);
  });
});

describe('a signal', () => {
  const places: [string, (exchange: Exchange, abort: () => void) => boolean][] = [
    ['before the headers', (_, abort) => abort() ?? true],
    ['within the body', ({ response, bytes }, abort) => response.write(bytes.subarray(0, 5000), abort) || true],
    ['before another attempt', ({ response }, abort) => !!response.writeHead(503).end(() => setImmediate(abort))],
  ];
  for (const [place, answer] of places) {
    test(`${place}: aborted within 50 ms, and nothing more is asked for`, async () => {
      server = await ShardServer.start(3, SHARD);
      const controller = new AbortController();
      let abortedAt = 0;
      server.misbehave = (exchange) =>
        answer(exchange, () => {
          abortedAt ||= performance.now();
          controller.abort();
        });
      await expect(fetchAll(controller.signal)).rejects.toMatchObject({ code: 'aborted' });
      expect(performance.now() - abortedAt).toBeLessThan(50);
      const { length } = server.log;
      expect(length).toBeLessThanOrEqual(2);
      await expect(fetchManifest(server.url, null, controller.signal)).rejects.toMatchObject({ code: 'aborted' });
      expect(server.log).toHaveLength(length);
    });
  }
});
