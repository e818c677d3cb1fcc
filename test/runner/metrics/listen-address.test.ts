import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/runner/config/read-config.ts';
import { parseListenAddress } from '../../../src/runner/metrics/listen-address.ts';

describe('the address that metrics are served on', () => {
  it.each([
    [':9252', { port: 9252 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    ['[::1]:9252', { host: '::1', port: 9252 }],
    ['http://localhost:9252', undefined],
    ['::1', undefined],
    ['localhost:65536', undefined],
    ['localhost', undefined],
    ['a b:1', undefined],
    ['', undefined],
  ])('%s', (text, expected) => {
    expect(parseListenAddress(text)).toEqual(expected);
  });

  it('has GitLab Runner’s port where the file names none', () => {
    expect(readConfig({ listen_address: 'localhost' }, {}).config.listenAddress).toBe('localhost:9252');
    expect(readConfig({ listen_address: ':' }, {}).config.listenAddress).toBe(':9252');
    expect(readConfig({ listen_address: '' }, {})).toMatchObject({ problems: [] });
  });

  it('tells of one that can not be', () => {
    const { config, problems } = readConfig({ listen_address: 'http://localhost:9252' }, {});
    expect(config.listenAddress).toBeUndefined();
    expect(problems).toEqual([
      { path: ['listen_address'], severity: 'error', text: expect.stringContaining('must be like ":9252"') },
    ]);
  });
});
