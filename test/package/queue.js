/**
 * `vit-webgpu submit` and `work` as they are packed, on a real Redis: three workers, of which one is killed and one is told to
 * stop while they compute 2,000 pictures. The output is that of one process, byte for byte.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { redisFailure, startRedis } from '../harness/redis.js';

const PICTURES = 2000;
const PART_SIZE = 25;
const BAD = ['00007.png', '01234.png', '01999.png'];
/** Seconds until the part of a dead worker is another's; less than the 30 of everyday. */
const STALLED_AFTER = 5;
/** Milliseconds after which something hangs. */
const PATIENCE = 150_000;

const CONVERT =
  '--architecture vit_tiny_patch4_8 --heads 2 --resize squash:8x8 --filter bilinear --mean .5,.5,.5 --std .5,.5,.5';

/**
 * @param {{ folder: string, tarball: () => string, install: (app: string, print: (text: string) => void) => Promise<boolean | string> }} package_
 * @returns {import('../harness/jobs.js').Job}
 */
export function queueJob({ folder, tarball, install }) {
  return {
    name: 'queue',
    needs: ['package'],
    async run(print) {
      const outcome = { passed: 0, failed: 0, failures: [], notRun: [] };
      const failure = redisFailure();
      if (failure) return { ...outcome, notRun: [`submit and work on a queue. ${failure}`] };
      const app = join(folder, 'queue');
      mkdirSync(app);
      const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
      const peers = ['bullmq', 'ioredis', 'sharp'].map((name) => [name, devDependencies[name]]);
      const dependencies = { 'vit-webgpu': `file:${tarball()}`, ...Object.fromEntries(peers) };
      writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
      const installed = await install(app, print);
      if (installed !== true) return installed ? { ...outcome, notRun: [`queue: ${installed}`] } : false;

      const redis = await startRedis(print);
      const commands = new Commands(app, redis.url, print);
      try {
        await prepare(app, commands);
        for (const [name, test] of Object.entries(TESTS)) {
          const wrong = await test(app, commands).then(
            () => undefined,
            (error) => error.message,
          );
          print(`${wrong ? '✘' : '✓'} queue: ${name}${wrong ? `\n${wrong}` : ''}\n`);
          outcome[wrong ? 'failed' : 'passed']++;
          if (wrong) outcome.failures.push(`queue: ${name}`);
        }
      } finally {
        commands.killAll();
        await redis.stop();
      }
      return outcome;
    },
  };
}

/** A model, pictures and what one process makes of them. */
async function prepare(app, commands) {
  cpSync('test/fixtures/checkpoints/vit-training.pth', join(app, 'model.pth'));
  await commands.finish('convert', 'model.pth', '--out', 'model', ...CONVERT.split(' '));
  mkdirSync(join(app, 'pictures'));
  for (let i = 0; i < PICTURES; i++) {
    const name = `${String(i).padStart(5, '0')}.png`;
    const data = Uint8Array.from({ length: 3 * 12 * 12 }, (_, at) => (at * (i + 1) * 37 + i * 101) % 256);
    const png = sharp(data, { raw: { width: 12, height: 12, channels: 3 } }).png({ compressionLevel: 1 });
    writeFileSync(join(app, 'pictures', name), BAD.includes(name) ? 'no picture' : await png.toBuffer());
  }
  await commands.finish('embed', ...what('one'), '--threads', '1');
}

const what = (out) => ['--images', 'pictures', '--model', 'model', '--out', out, '--part-size', String(PART_SIZE)];

const TESTS = {
  'a worker that cannot work says why; its part is given up, tried again, and done when it can': async (
    app,
    commands,
  ) => {
    const submit = () =>
      commands.start(
        'submit',
        'classify',
        'pictures/00001.png',
        '--model',
        'model',
        '--out',
        'single',
        '--attempts',
        '1',
      );
    const first = submit();
    await until(() => partsOf(app, 'single') === 0 && readdirSync(join(app, 'single')).includes('job.json'));
    renameSync(join(app, 'model'), join(app, 'moved'));
    const worker = commands.work();
    const given = await first.ended;
    const why = /Workers failed at 1 part, first at part 0: There is no file .*model\.json\. Start it again/;
    equal([given.code, why.test(given.said)], [1, true], given.said);
    equal(/single, part 0: There is no file/.test(worker.said()), true, worker.said());
    renameSync(join(app, 'moved'), join(app, 'model'));
    const { code, said } = await submit().ended;
    equal([code, partsOf(app, 'single')], [0, 1], said);
    worker.child.kill('SIGTERM');
    equal((await worker.ended).code, 0, 'the worker was told to stop');
  },

  'one of three workers killed, another stopped: the output is that of one process': async (app, commands) => {
    const workers = [1, 2, 3].map(() => commands.work());
    await until(() => workers.every(({ said }) => said().includes('Works for the queue')));
    const submitted = commands.start('submit', 'embed', ...what('many'));
    // Each has computed a part, and has another in its hands.
    await until(() => workers.every(({ said }) => /, part \d+: 25 pictures/.test(said())));
    workers[0].child.kill('SIGKILL');
    workers[1].child.kill('SIGTERM');
    const stopped = await workers[1].ended;
    equal(stopped.code, 0, stopped.said);
    const { code, said } = await submitted.ended;
    equal(code, 0, said);
    equal((await workers[0].ended).code, null, 'the exit code of the worker that was killed');
    const parts = readdirSync(join(app, 'one')).filter((name) => name.endsWith('.parquet'));
    equal(parts.length, PICTURES / PART_SIZE, 'parts of one process');
    equal(
      readdirSync(join(app, 'many')).filter((name) => name.endsWith('.parquet')),
      parts,
      'parts of three',
    );
    for (const name of parts) {
      const [one, many] = ['one', 'many'].map((out) => readFileSync(join(app, out, name)));
      equal(many.equals(one), true, name);
    }
    equal(said.includes(`many: ${PICTURES} pictures in`), true, said);
    equal(said.includes('3 pictures could not be read'), true, said);
    const computed = workers.flatMap(({ said }) => [...said().matchAll(/, part (\d+): /g)].map(([, part]) => part));
    equal(workers[2].said().includes('part'), true, 'the last worker computed');
    equal(new Set(computed).size >= parts.length - 1, true, 'parts that workers say they wrote');
    workers[2].child.kill('SIGTERM');
    equal((await workers[2].ended).code, 0, 'the last worker was told to stop');
    const again = await commands.finish('submit', 'embed', ...what('many'));
    equal(again.includes('2,000 of 2,000 pictures are there already.'), true, again);
  },

  'a worker without the time to finish gives its part back, and another has it at once': async (app, commands) => {
    const whole = ['--images', 'pictures', '--model', 'model', '--out', 'whole', '--part-size', String(PICTURES)];
    const submitted = commands.start('submit', 'embed', ...whole);
    // Were it not given back, it would be another's after ten minutes.
    const patient = ['work', '--threads', '1', '--stalled-after', '600', '--grace', '1'];
    const first = commands.start(...patient);
    await until(() => first.said().includes('Works for the queue'));
    // It computes for some seconds: with the second of grace it is not done yet, on a machine twice as fast as any so far.
    await sleep(500);
    first.child.kill('SIGTERM');
    const { code, said } = await first.ended;
    equal([code, said.includes('part 0')], [0, false], said);
    const second = commands.start(...patient, '--grace', '60');
    const end = await submitted.ended;
    equal([end.code, partsOf(app, 'whole')], [0, 1], end.said);
    second.child.kill('SIGTERM');
    equal((await second.ended).code, 0, 'the other worker was told to stop');
  },

  'without Redis, it says where there is none': async (_, commands) => {
    for (const command of [['work'], ['submit', 'embed', ...what('never')]]) {
      const { code, said } = await commands.run([...command, '--queue', 'redis://127.0.0.1:1']).ended;
      equal([code, said.includes('Redis at 127.0.0.1:1 does not answer')], [1, true], said);
    }
  },
};

function partsOf(app, out) {
  try {
    return readdirSync(join(app, out)).filter((name) => name.endsWith('.parquet')).length;
  } catch {
    return -1;
  }
}

async function until(holds) {
  for (const start = Date.now(); !holds(); await sleep(20))
    if (Date.now() - start > PATIENCE) throw new Error('It takes too long.');
}

function equal(actual, expected, said) {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${a} instead of ${b}: ${said}`);
}

/** The installed command line, in the app's folder. */
class Commands {
  #running = new Set();

  constructor(app, queue, print) {
    Object.assign(this, { app, queue, print });
  }

  run(args) {
    const child = spawn(resolve(this.app, 'node_modules/.bin/vit-webgpu'), args, { cwd: this.app });
    this.#running.add(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
    const ended = once(child, 'close').then(([code]) => {
      clearTimeout(late);
      this.#running.delete(child);
      this.print(`$ vit-webgpu ${args.join(' ')}\n${said}`);
      return { code, said };
    });
    return { child, ended, said: () => said };
  }

  /** With the queue. */
  start(...args) {
    return this.run([...args, '--queue', this.queue]);
  }

  work() {
    return this.start('work', '--threads', '1', '--stalled-after', String(STALLED_AFTER));
  }

  /** @returns what it said; of those that need the queue, with it */
  async finish(...args) {
    const { code, said } = await (args[0] === 'submit' ? this.start(...args) : this.run(args)).ended;
    equal(code, 0, said);
    return said;
  }

  killAll() {
    for (const child of this.#running) child.kill('SIGKILL');
  }
}
