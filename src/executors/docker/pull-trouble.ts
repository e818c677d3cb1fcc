import { shortReason, statusOf } from './engine.ts';

/** What is wrong when an image could not be pulled. */
export type TroubleKind =
  | 'invalid-name'
  | 'platform'
  | 'certificate'
  | 'plain-http'
  | 'no-space'
  | 'rate-limit'
  | 'denied'
  | 'unauthorized'
  | 'not-found'
  | 'unavailable'
  | 'unknown-host'
  | 'network'
  | 'other';

/** Why a pull failed. */
export interface PullTrouble {
  readonly kind: TroubleKind;
  /** The engine's own words, without anything secret. */
  readonly reason: string;
  /** Another try makes sense. */
  readonly mayPass: boolean;
  /** Where the registry said it, milliseconds. */
  readonly retryAfterMs?: number;
}

/**
 * Words of Docker (its own store and containerd's), Podman and registries, the first that fits. A refusal often names
 * several causes, so the clearest come first.
 */
const table: readonly (readonly [RegExp, TroubleKind])[] = [
  [/invalid reference format|invalid (tag|repository) (format|name)|must be (lowercase|canonical)/, 'invalid-name'],
  [
    /no matching manifest|no match for platform|platform specifier|specified platform|no image found in (manifest list|image index)|unknown operating system or architecture|image operating system .* cannot be used/,
    'platform',
  ],
  [/server gave http response to https client/, 'plain-http'],
  [/x509|certificate (signed|has expired|is not|required)|failed to verify certificate/, 'certificate'],
  [/no space left on device|disk quota exceeded/, 'no-space'],
  [/toomanyrequests|too many requests|rate ?limit/, 'rate-limit'],
  [/(?<!permission )denied|forbidden|insufficient_scope/, 'denied'],
  [/unauthorized|no basic auth credentials|authentication required|(invalid|incorrect) username/, 'unauthorized'],
  [/(manifest|name|blob) unknown|not found|does not exist|no such image/, 'not-found'],
  [
    /internal server error|bad gateway|service unavailable|gateway time-?out|http (status:? |response )?5\d\d|unexpected status[^\n]*: 5\d\d/,
    'unavailable',
  ],
  [/no such host|name or service not known/, 'unknown-host'],
  [
    /time-?out|timed out|deadline exceeded|connection (refused|reset|closed|aborted)|closed network connection|broken pipe|\beof\b|unreachable|network is down|no route to host|server misbehaving|temporary failure|tls handshake|http2:|stream error|proxyconnect/,
    'network',
  ],
];

const passing: ReadonlySet<TroubleKind> = new Set<TroubleKind>(['rate-limit', 'unavailable', 'network']);

/**
 * Finds out from the engine's words what is wrong with a pull.
 * @param image its name, which may hold any of the words that are looked for.
 * @param secrets what must not be seen.
 */
export function pullTrouble(error: unknown, image: string, secrets: readonly string[] = []): PullTrouble {
  const reason = secrets
    .filter((secret) => secret !== '')
    // One may be the begin of another, whose rest would be seen.
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, secret) => text.replaceAll(secret, '[MASKED]'), shortReason(error))
    .replace(/(\w:\/\/)[^/\s"@]*@/g, '$1[MASKED]@');
  const words = withoutName(reason, image).toLowerCase();
  const kind = table.find(([pattern]) => pattern.test(words))?.[1] ?? 'other';
  const status = statusOf(error);
  // An answer that we do not know: the engine had trouble itself, or it tells of the registry's while it pulls.
  const mayPass = passing.has(kind) || (kind === 'other' && (status === undefined || status >= 500));
  const retryAfterMs = retryAfter(words);
  return { kind, reason, mayPass, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

function withoutName(reason: string, image: string): string {
  const repository = image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  const parts = [image, repository, repository.slice(repository.indexOf('/') + 1)].filter((part) => part !== '');
  return parts.reduce((text, part) => text.replaceAll(part, '…'), reason);
}

const unitsMs: Readonly<Record<string, number>> = { ns: 1e-6, µs: 1e-3, us: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

/** Registries write it as seconds or as Go's duration: `retry-after: 681.996µs, allowed: 44000/minute`. */
function retryAfter(words: string): number | undefined {
  const found = /retry[- ]after:?\s*(\d+(?:\.\d+)?)\s*(ns|µs|us|ms|s|m|h)?\b/.exec(words);
  if (found === null) return undefined;
  return Math.ceil(Number(found[1]) * (unitsMs[found[2] ?? 's'] ?? 1000));
}
