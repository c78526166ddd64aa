import { expect, test } from 'vitest';

// test/run.js fails unless it saw this one, and this one alone: so it is known to see what goes elsewhere from here.
test('nothing is reached elsewhere', async () => {
  await expect(fetch('http://from-vitest.invalid/')).rejects.toThrow(TypeError);
});
