import { expect, it } from 'vitest';
import { toWebOrigin } from './web-origin.ts';

it.each([
  ['https://app.example.com', 'https://app.example.com'],
  ['http://localhost:5173/', 'http://localhost:5173'],
  ['HTTPS://App.Example.com', 'https://app.example.com'],
  ['https://a.example:443', 'https://a.example'],
  ['http://a.example:80/', 'http://a.example'],
  ['http://münchen.example', 'http://xn--mnchen-3ya.example'],
  ['http://[::1]:3000', 'http://[::1]:3000'],
  ['tauri://localhost', 'tauri://localhost'],
  ['chrome-extension://ABCdef/', 'chrome-extension://abcdef'],
  ['a.example', null],
  ['localhost:5173', null],
  ['//a.example', null],
  ['http://a.example/path', null],
  ['http://a.example/?', null],
  ['http://user:word@a.example', null],
  ['http://*.example.com', null],
  ['http://a.example:99999', null],
  ['http://a b', null],
  ['file:///home', null],
  ['*', null],
  ['null', null],
])('takes %s for the origin %s', (text, origin) => {
  expect(toWebOrigin(text)).toBe(origin);
});
