/**
 * The commands of the README's table of families: each is one that the command line understands, and the shortest of them
 * needs no more than it says.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { convertCommand } from '../../src/cli/convert.ts';
import { fetchCommand } from '../../src/cli/fetch.ts';
import { FAMILIES } from '../harness/checkpoints.ts';
import { runCommand } from '../harness/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
afterAll(() => rmSync(folder, { recursive: true }));

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const pixels = /`P="(.+?)"`/.exec(readme)![1];
const commands = [...readme.matchAll(/^\| .+ \| `((?:fetch|convert) .+)` \|$/gm)].map(([, command]) => command);

const silent = { print() {}, warn() {}, progress() {} };

describe('the table of families', () => {
  test('has a command for each family', () => expect(commands.length).toBeGreaterThanOrEqual(20));

  for (const line of commands) {
    test(line, async () => {
      const [name, ...words] = `${line.replace('$P', pixels)} --out m`.split(' ');
      const make = name === 'fetch' ? fetchCommand : convertCommand;
      let understood = false;
      const command = make(silent)
        .exitOverride()
        .configureOutput({ writeErr() {} })
        .action(() => {
          understood = true;
        });
      await command.parseAsync(words, { from: 'user' });
      expect(understood).toBe(true);
    });
  }

  test("OpenAI's archive needs no flag", async () => {
    expect(commands).toContain('convert ViT-B-32.pt');
    const archive = fileURLToPath(new URL('openai-clip-archive/model.pt', FAMILIES));
    const { exitCode, printed, warned } = await runCommand('convert', archive, '--out', join(folder, 'clip'));
    expect([exitCode, warned]).toEqual([0, '']);
    expect(printed).toMatch(/^layout +CLIP of OpenAI +names of the tensors$/m);
    expect(printed).toMatch(/^heads +2 +heads of 64, the convention of a CLIP of OpenAI$/m);
    expect(printed).toMatch(/^resize +shortest-edge 32 trunc +OpenAI's own transform$/m);
  });
});
