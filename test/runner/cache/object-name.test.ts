import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { objectName } from '../../../src/runner/cache/object-name.ts';
import { objectUrl } from '../../../src/runner/cache/s3-request.ts';
import { plainKey } from '../../../src/util/plain-key.ts';

const owner = { cache: { path: '', shared: false }, shortToken: 'abc123def', projectId: 7, keys: 'plain' } as const;
const s3 = {
  serverAddress: 'minio.example.com:9000',
  accessKey: 'key',
  secretKey: 'secret',
  sessionToken: '',
  bucketName: 'caches',
  bucketLocation: '',
  insecure: false,
};

describe('objectName', () => {
  it("is where GitLab Runner keeps a project's caches", () => {
    expect(objectName(owner, 'main-1')).toBe('runner/abc123def/project/7/main-1');
    expect(objectName({ ...owner, cache: { path: '/a/b/', shared: true } }, 'x/y')).toBe('a/b/project/7/x/y');
    expect(objectName({ ...owner, keys: 'hashed' }, '../../8/x')).toMatch(
      /^runner\/abc123def\/project\/7\/[\da-f]{64}$/,
    );
  });

  it.each(['', '..', '%2e%2e', './ ', '\\', '../ /..', '%2E%2f%2e'])('refuses the key %j', (key) => {
    expect(() => objectName(owner, key)).toThrow("can't be the name of an object");
  });

  it('never leads to another project, nor does its address', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '/',
        '\\',
        '%2e',
        '%2E',
        '%2f',
        '%2F',
        '%',
        '25',
        ' ',
        '\t',
        '?',
        '#',
        '8',
        'a',
        '\u0000',
        '\ud800',
      ),
      fc.string(),
    );
    const key = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(key, (text) => {
        fc.pre(plainKey(text) !== '');
        const name = objectName(owner, text);
        expect(name.startsWith('runner/abc123def/project/7/')).toBe(true);
        expect(name.split('/').filter((part) => ['', '.', '..'].includes(part))).toEqual([]);
        const url = objectUrl(s3, name);
        expect(url.pathname.startsWith('/caches/runner/abc123def/project/7/')).toBe(true);
        expect(url.search + url.hash).toBe('');
        expect(decodeURIComponent(url.pathname)).toBe(`/caches/${Buffer.from(name).toString()}`);
      }),
      { numRuns: 500 },
    );
  });
});

describe('objectUrl', () => {
  it('has the bucket in the path, and in the host at Amazon', () => {
    const at = (changes: object) => objectUrl({ ...s3, ...changes }, 'a b').href;
    expect(at({})).toBe('https://minio.example.com:9000/caches/a%20b');
    expect(at({ insecure: true })).toBe('http://minio.example.com:9000/caches/a%20b');
    expect(at({ serverAddress: 's3.amazonaws.com' })).toBe('https://caches.s3.amazonaws.com/a%20b');
    expect(at({ serverAddress: 's3.amazonaws.com', bucketLocation: 'eu-west-1' })).toBe(
      'https://caches.s3.eu-west-1.amazonaws.com/a%20b',
    );
    expect(at({ serverAddress: 's3.amazonaws.com', bucketName: 'a.b' })).toBe('https://s3.amazonaws.com/a.b/a%20b');
    expect(at({ serverAddress: 's3.amazonaws.com', pathStyle: true })).toBe('https://s3.amazonaws.com/caches/a%20b');
    expect(at({ serverAddress: 's3.amazonaws.com', bucketLocation: 'eu-west-1', accelerate: true })).toBe(
      'https://caches.s3-accelerate.amazonaws.com/a%20b',
    );
    expect(at({ pathStyle: false })).toBe('https://caches.minio.example.com:9000/a%20b');
  });
});
