import { ApiError } from './api/api-error.ts';
import type { Call, Endpoint } from './api/call.ts';
import { downloadArtifact } from './api/download-artifact.ts';
import { isGitPath, serveGit } from './api/git.ts';
import { patchTrace } from './api/patch-trace.ts';
import { requestJob } from './api/request-job.ts';
import * as runners from './api/runners.ts';
import { updateJob } from './api/update-job.ts';
import { authorizeArtifact, uploadArtifact } from './api/upload-artifact.ts';
import type { RateLimits } from './options.ts';

export interface Route {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** The id in the path, as it is written there. */
  readonly id: string | undefined;
  readonly limit: keyof RateLimits | undefined;
}

interface Pattern {
  readonly method: string;
  readonly path: RegExp;
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly limit?: keyof RateLimits;
}

const table: readonly Pattern[] = [
  { method: 'POST', path: /^\/runners$/, name: 'register', endpoint: runners.registerRunner },
  { method: 'DELETE', path: /^\/runners$/, name: 'unregister', endpoint: runners.unregisterRunner },
  { method: 'DELETE', path: /^\/runners\/managers$/, name: 'unregister-manager', endpoint: runners.unregisterManager },
  { method: 'POST', path: /^\/runners\/verify$/, name: 'verify', endpoint: runners.verifyRunner },
  {
    method: 'POST',
    path: /^\/runners\/reset_authentication_token$/,
    name: 'reset-token',
    endpoint: runners.resetOwnToken,
  },
  { method: 'GET', path: /^\/runners\/router\/discovery$/, name: 'discovery', endpoint: runners.discoverRouter },
  {
    method: 'POST',
    path: /^\/runners\/([^/]+)\/reset_authentication_token$/,
    name: 'reset-token-of',
    endpoint: runners.resetTokenOf,
  },
  { method: 'POST', path: /^\/jobs\/request$/, name: 'jobs-request', endpoint: requestJob, limit: 'jobsRequest' },
  { method: 'PUT', path: /^\/jobs\/([^/]+)$/, name: 'update-job', endpoint: updateJob, limit: 'jobs' },
  { method: 'PATCH', path: /^\/jobs\/([^/]+)\/trace$/, name: 'patch-trace', endpoint: patchTrace, limit: 'patchTrace' },
  {
    method: 'POST',
    path: /^\/jobs\/([^/]+)\/artifacts\/authorize$/,
    name: 'authorize-artifact',
    endpoint: authorizeArtifact,
    limit: 'jobs',
  },
  {
    method: 'POST',
    path: /^\/jobs\/([^/]+)\/artifacts$/,
    name: 'upload-artifact',
    endpoint: uploadArtifact,
    limit: 'jobs',
  },
  {
    method: 'GET',
    path: /^\/jobs\/([^/]+)\/artifacts$/,
    name: 'download-artifact',
    endpoint: downloadArtifact,
    limit: 'jobs',
  },
];

const api = '/api/v4';

/** Which endpoint answers. What no endpoint answers is `unknown`: 404, or 405 where only the method is wrong. */
export function findRoute(method: string, path: string): Route {
  if (isGitPath(path)) return { name: 'git', endpoint: serveGit, id: undefined, limit: undefined };
  const below = path.startsWith(`${api}/`) ? path.slice(api.length) : undefined;
  const near = below === undefined ? [] : table.filter((pattern) => pattern.path.test(below));
  const found = near.find((pattern) => pattern.method === method);
  if (found === undefined || below === undefined) {
    const status = near.length > 0 ? 405 : 404;
    return { name: 'unknown', endpoint: refuse(status), id: undefined, limit: undefined };
  }
  return { name: found.name, endpoint: found.endpoint, id: found.path.exec(below)?.[1], limit: found.limit };
}

function refuse(status: 404 | 405): Endpoint {
  return (_: Call) => {
    throw new ApiError(status, { error: status === 404 ? '404 Not Found' : '405 Not Allowed' });
  };
}
