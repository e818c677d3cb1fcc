import { optionalBoolean } from '../http/incoming.ts';
import { emptyReply, type Reply } from '../http/reply.ts';
import { ApiError, forbidden, notFound } from './api-error.ts';
import { authenticateReader, jobInPath } from './authenticate.ts';
import type { Call } from './call.ts';
import { signedPath } from './storage-signature.ts';

/** `GET /jobs/:id/artifacts`: the archive, or where it lies. */
export function downloadArtifact(call: Call): Reply {
  const { store, parameters, storageUrl } = call;
  const direct = optionalBoolean(parameters, 'direct_download') ?? false;
  const reader = authenticateReader(call);
  const job = jobInPath(call);
  if (job === undefined || job.pipeline.project !== reader.pipeline.project) throw forbidden();
  const archive = job.artifacts.get('archive');
  if (archive === undefined || (archive.expiresAtMs !== undefined && archive.expiresAtMs <= store.now())) {
    throw stateOf(notFound());
  }
  if (direct && storageUrl !== undefined) {
    return emptyReply(302, { location: storageUrl + signedPath(store, job.id) });
  }
  const headers = {
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="${archive.fileName}"`,
  };
  return { status: 200, headers, body: archive.content };
}

function stateOf({ status, body }: ApiError): ApiError {
  return new ApiError(status, body, { kind: 'state' });
}
