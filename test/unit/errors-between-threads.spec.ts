/**
 * An error crosses between threads as plain data, and comes out as it went in.
 */
import { expect, test } from 'vitest';
import { packError, unpackError, ViTError } from '../../src/error.ts';

const sent = (error: unknown) => unpackError(structuredClone(packError(error)));

test('code, questions and causes cross', () => {
  const questions = [
    { name: 'heads', why: 'It is in no tensor.' },
    { name: 'pooling', why: 'Nor this.', choices: ['class'] },
  ];
  const cause = new ViTError('network', 'lost', { cause: new TypeError('refused') });
  const error = sent(
    new ViTError('unsupported-model', 'It does not say everything.', { questions, cause }),
  ) as ViTError;
  expect(error).toBeInstanceOf(ViTError);
  expect(error).toMatchObject({ code: 'unsupported-model', message: 'It does not say everything.', questions });
  expect(error.cause).toMatchObject({
    code: 'network',
    message: 'lost',
    cause: { name: 'TypeError', message: 'refused' },
  });
});

test('an error without questions has none', () => {
  expect((sent(new ViTError('aborted', 'x')) as ViTError).questions).toBeUndefined();
  expect(sent(new RangeError('y'))).toMatchObject({ name: 'RangeError', message: 'y' });
  expect(sent('z')).toMatchObject({ message: 'z' });
});
