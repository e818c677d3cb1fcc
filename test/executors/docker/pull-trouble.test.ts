import { describe, expect, it } from 'vitest';
import { pullTrouble, type TroubleKind } from '../../../src/executors/docker/pull-trouble.ts';

/** An engine's HTTP answer; without a status: a word in the stream of a pull. */
const answer = (message: string, statusCode?: number): unknown =>
  statusCode === undefined ? new Error(message) : Object.assign(new Error('x'), { statusCode, json: { message } });

const never = 'never' as const;
const again = 'again' as const;

/** As Docker 20 to 29 (own store and containerd's), Podman 4 and registries say it. */
const table: readonly (readonly [TroubleKind, 'never' | 'again', string, number?])[] = [
  ['not-found', never, 'manifest for localhost:5000/app:1 not found: manifest unknown: manifest unknown', 404],
  ['not-found', never, 'failed to resolve reference "docker.io/library/app:1": docker.io/library/app:1: not found'],
  ['not-found', never, 'name unknown: repository name not known to registry', 404],
  [
    'not-found',
    never,
    'initializing source docker://localhost:5000/app:1: reading manifest 1 in localhost:5000/app: manifest unknown',
  ],
  [
    'denied',
    never,
    "pull access denied for app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    404,
  ],
  [
    'denied',
    never,
    'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
  ],
  ['denied', never, 'Head "https://ghcr.io/v2/a/app/manifests/1": denied: denied', 500],
  ['denied', never, 'reading manifest 1 in docker.io/a/app: requested access to the resource is denied'],
  ['unauthorized', never, 'Get "http://localhost:5000/v2/app/manifests/1": no basic auth credentials', 500],
  ['unauthorized', never, 'unauthorized: authentication required', 500],
  ['unauthorized', never, 'Get "https://registry-1.docker.io/v2/": unauthorized: incorrect username or password', 401],
  ['unauthorized', never, 'unable to retrieve auth token: invalid username/password: unauthorized: HTTP Basic: Access'],
  ['platform', never, 'no matching manifest for linux/arm64/v8 in the manifest list entries', 404],
  ['platform', never, '"a/b/c/d": cannot parse platform specifier: invalid argument', 400],
  [
    'platform',
    never,
    'no matching manifest for linux/arm64/v8 in the manifest list entries: no match for platform in manifest: not found',
    404,
  ],
  [
    'platform',
    never,
    'image with reference app:1 was found but does not match the specified platform: wanted linux/arm64, actual: linux/amd64',
    404,
  ],
  [
    'platform',
    never,
    'choosing an image from manifest list docker://app: no image found in manifest list for architecture arm64, variant "v8", OS linux',
  ],
  ['invalid-name', never, 'invalid reference format: repository name must be lowercase', 400],
  ['certificate', never, 'Get "https://registry.example.com/v2/": x509: certificate signed by unknown authority', 500],
  [
    'certificate',
    never,
    'Get "https://registry.example.com/v2/": tls: failed to verify certificate: x509: certificate has expired',
    500,
  ],
  ['plain-http', never, 'Get "https://registry.example.com/v2/": http: server gave HTTP response to HTTPS client', 500],
  ['no-space', never, 'failed to register layer: write /usr/lib/x: no space left on device'],
  [
    'unknown-host',
    never,
    'Get "https://nowhere.example/v2/": dial tcp: lookup nowhere.example on 127.0.0.53:53: no such host',
    500,
  ],
  [
    'rate-limit',
    again,
    'toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating',
    429,
  ],
  ['rate-limit', again, 'unexpected status code https://registry-1.docker.io/v2/app: 429 Too Many Requests'],
  ['unavailable', again, 'received unexpected HTTP status: 503 Service Unavailable', 500],
  ['unavailable', again, 'received unexpected HTTP status: 500 Internal Server Error', 500],
  [
    'unavailable',
    again,
    'unexpected status from HEAD request to https://registry.example.com/v2/app/manifests/1: 502 Bad Gateway',
  ],
  ['unavailable', again, 'error parsing HTTP 504 response body: unexpected end of JSON input: "gateway timeout"', 500],
  ['network', again, 'Get "https://registry-1.docker.io/v2/": net/http: TLS handshake timeout', 500],
  ['network', again, 'Get "http://localhost:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused', 500],
  ['network', again, 'read tcp 10.0.0.1:1->10.0.0.2:443: read: connection reset by peer'],
  ['network', again, 'Get "http://localhost:5000/v2/app/manifests/1": EOF', 500],
  ['network', again, 'unexpected EOF'],
  ['network', again, 'Get "https://registry.example.com/v2/": dial tcp 10.0.0.2:443: i/o timeout', 500],
  ['network', again, 'Get "https://registry.example.com/v2/": context deadline exceeded', 500],
  [
    'network',
    again,
    'Get "https://registry.example.com/v2/": dial tcp: lookup registry.example.com: server misbehaving',
    500,
  ],
  [
    'network',
    again,
    'Get "https://registry.example.com/v2/": dial tcp 10.0.0.2:443: connect: network is unreachable',
    500,
  ],
  [
    'network',
    again,
    'net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
    500,
  ],
  ['other', again, 'something that nobody has seen before'],
  ['other', again, 'something that nobody has seen before', 500],
  ['other', never, 'something that nobody has seen before', 400],
  ['other', never, 'open /var/lib/docker/tmp: permission denied', 403],
];

describe('what is wrong with a pull', () => {
  const rows = table.map(([kind, tries, message, status]) => ({ kind, tries, message, status }));

  it.each(rows)('$kind, tried $tries: $message', ({ kind, tries, message, status }) => {
    expect(pullTrouble(answer(message, status), 'app:1')).toMatchObject({ kind, mayPass: tries === 'again' });
  });

  it('is not read from the name of the image', () => {
    const name = 'localhost:5000/denied/timeout-unauthorized:503';
    const message = `manifest for ${name} not found: manifest unknown`;
    expect(pullTrouble(answer(message, 404), name)).toMatchObject({ kind: 'not-found', reason: message });
  });

  it.each<readonly [string, number | undefined]>([
    ['toomanyrequests: retry-after: 681.996µs, allowed: 44000/minute', 1],
    ['toomanyrequests: retry-after: 1.5s', 1500],
    ['429 Too Many Requests, Retry-After: 7', 7000],
    ['too many requests: retry after 2m', 120_000],
    ['too many requests', undefined],
  ])('knows when to come back: %s', (message, retryAfterMs) => {
    expect(pullTrouble(answer(message, 429), 'app:1').retryAfterMs).toBe(retryAfterMs);
  });

  it('shows nothing secret', () => {
    const message = 'Get "https://me:s3cr3t-canary@registry.example.com/v2/": token abc-canary refused: EOF';
    const { reason } = pullTrouble(answer(message, 500), 'app:1', ['abc-canary', '']);
    expect(reason).toBe('Get "https://[MASKED]@registry.example.com/v2/": token [MASKED] refused: EOF');
    const login = pullTrouble(answer('user can, token canary-2 refused', 500), 'app:1', ['can', 'canary-2']);
    expect(login.reason).toBe('user [MASKED], token [MASKED] refused');
  });
});
