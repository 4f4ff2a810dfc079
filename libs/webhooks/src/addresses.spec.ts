import { describe, expect, test } from '@jest/globals';
import { isPublic } from './addresses.js';
import { namesPrivateHost, parsedUrl } from './destination.js';

test.each([
  ...[
    '8.8.8.8',
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '223.255.255.255',
  ],
  ...['2606:4700:4700::1111', '2001:4860:4860::8888', '2a00:1450::1'],
])('%s is public', (address) => {
  expect(isPublic(address)).toBe(true);
});

test.each([
  ...['127.0.0.1', '127.255.255.255', '0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255'],
  ...['172.16.0.1', '172.31.255.255', '192.168.0.1', '169.254.169.254', '100.64.0.1', '100.100.100.200'],
  ...['192.0.0.1', '192.0.2.1', '198.18.0.1', '198.19.255.255', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::7f00:1'],
  ...['fe80::1', 'fe80::1%lo', 'fc00::1', 'fd00:ec2::254', 'fec0::1', 'ff02::1', '100::1'],
  ...['2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1', '5f00::1'],
  ...['', 'localhost', '127.1', '1.2.3.4.5'],
])('%s is not', (address) => {
  expect(isPublic(address)).toBe(false);
});

describe('a URL', () => {
  test.each([
    ...['http://127.0.0.1/', 'http://127.1/', 'http://0x7f.1/', 'http://2130706433/', 'http://0177.0.0.1/'],
    ...['http://[::1]:80/', 'http://[::ffff:10.0.0.1]/', 'http://localhost/', 'http://LOCALHOST./'],
    ...['http://a.localhost/', 'https://169.254.169.254/latest', 'http://１２７.0.0.1/'],
  ])('that names a private host is known at once: %s', (text) => {
    const url = parsedUrl(text);
    expect(url && namesPrivateHost(url)).toBe(true);
  });

  test.each([
    'https://example.com/hook?token=a',
    'http://8.8.8.8:8080',
    'https://[2606:4700::1]/',
    'https://localhost.example.com',
  ])('may be %s', (text) => {
    const url = parsedUrl(text);
    expect(url && namesPrivateHost(url)).toBe(false);
  });

  test.each([
    ...['', 'example.com', 'ftp://example.com', 'file:///etc/passwd', 'https://', 'https:example.com'],
    ...['https://user@example.com', 'https://user:secret@example.com', 'https://:secret@example.com'],
    ...['https://example.com/#part', `https://example.com/${'a'.repeat(2_048)}`, 42, null, 'javascript:1'],
  ])('may not be %p', (text) => {
    expect(parsedUrl(text)).toBeUndefined();
  });
});
