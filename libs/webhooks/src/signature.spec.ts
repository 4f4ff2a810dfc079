import { expect, test } from '@jest/globals';
import { hintOf, isSecret, mintSecret, signatureOf } from './signature.js';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

test('is that of the example of Standard Webhooks', () => {
  const signature = signatureOf(
    [secret],
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1_614_265_330,
    '{"test": 2432232314}',
  );
  expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('is made by each secret', () => {
  const other = mintSecret();
  const [first, second, ...more] = signatureOf([other, secret], 'id', 1, '{}').split(' ');
  expect([first, second, more]).toEqual([
    signatureOf([other], 'id', 1, '{}'),
    signatureOf([secret], 'id', 1, '{}'),
    [],
  ]);
});

test('a minted secret is a secret, and no two are the same', () => {
  expect(isSecret(mintSecret())).toBe(true);
  expect(mintSecret()).not.toBe(mintSecret());
});

test.each([
  [secret, true],
  [secret.slice('whsec_'.length), false],
  ['whsec_', false],
  [`whsec_${Buffer.alloc(23).toString('base64')}`, false],
  [`whsec_${Buffer.alloc(64).toString('base64')}`, true],
  [`whsec_${Buffer.alloc(65).toString('base64')}`, false],
  [`${secret}!`, false],
  [`whsec_${Buffer.alloc(32).toString('base64').replace('=', '')}`, false],
  [42, false],
])('%p is a secret: %p', (value, is) => {
  expect(isSecret(value)).toBe(is);
});

test('is known again by four characters', () => {
  expect(hintOf(secret)).toBe('...LaSw');
});
