import { createHash } from 'node:crypto';
import { optionalText, optionalWord } from '../http/incoming.ts';
import type { FormPart } from '../http/multipart.ts';
import { type Reply, textReply } from '../http/reply.ts';
import { artifactFormats } from '../state/artifact-types.ts';
import { readDotenv } from '../state/dotenv.ts';
import { parseDuration } from '../state/expiry.ts';
import type { Job, StoredArtifact } from '../state/model.ts';
import { ApiError, badParameter, forbidden } from './api-error.ts';
import { authenticateJob } from './authenticate.ts';
import type { Call } from './call.ts';

/** `POST /jobs/:id/artifacts/authorize`: Workhorse's own business, a runner is refused. */
export function authorizeArtifact(call: Call): Reply {
  if (!call.store.settings.artifactsEnabled) throw notAllowed();
  throw forbidden('Request should be executed via GitLab Workhorse');
}

/** `POST /jobs/:id/artifacts`: takes one file. */
export function uploadArtifact(call: Call): Reply {
  const { store, parameters } = call;
  const type = optionalWord(parameters, 'artifact_type', Object.keys(artifactFormats)) ?? 'archive';
  const format = optionalWord(parameters, 'artifact_format', ['raw', 'zip', 'gzip']) ?? 'zip';
  optionalWord(parameters, 'accessibility', ['public', 'private', 'none']);
  if (!store.settings.artifactsEnabled) throw notAllowed();
  const job = authenticateJob(call);
  const file = parameters.files.get('file');
  if (file === undefined) throw badParameter('file is missing');
  if (file.content.length > store.settings.artifactLimit) {
    throw new ApiError(413, { message: 'file size has reached maximum size limit' }, { kind: 'state' });
  }
  const artifact = stored(call, file, type, format);
  if (job.artifacts.get(type)?.sha256 !== artifact.sha256) keep(call, job, artifact);
  return textReply(201, '201');
}

function notAllowed(): ApiError {
  return new ApiError(405, { message: '405 Method Not Allowed' }, { kind: 'state' });
}

function stored({ parameters, store }: Call, file: FormPart, type: string, format: string): StoredArtifact {
  const expireIn = optionalText(parameters, 'expire_in');
  const lifeMs = expireIn === undefined ? undefined : parseDuration(expireIn);
  return {
    type,
    format,
    fileName: file.fileName ?? '',
    content: Buffer.from(file.content),
    sha256: createHash('sha256').update(file.content).digest('hex'),
    expireIn,
    expiresAtMs: lifeMs === undefined ? undefined : store.now() + lifeMs,
    accessibility: optionalText(parameters, 'accessibility'),
  };
}

/** Checks in GitLab's order: what the file says, its format, whether there is one already. */
function keep(call: Call, job: Job, artifact: StoredArtifact): void {
  const { type, format, content } = artifact;
  const dotenv = type === 'dotenv' ? readDotenv(content) : undefined;
  if (dotenv?.kind === 'refused') throw new ApiError(400, { message: dotenv.because }, { kind: 'state' });
  if (artifactFormats[type] !== format) {
    throw new ApiError(400, { message: 'Validation failed: Invalid file format with specified file type' });
  }
  if (job.artifacts.has(type)) {
    throw new ApiError(400, { message: 'another artifact of the same type already exists' });
  }
  checkContent(call, artifact);
  if (dotenv !== undefined) for (const [name, value] of dotenv.variables) job.dotenv.set(name, value);
  job.artifacts.set(type, artifact);
}

/** What GitLab takes and can't use afterwards. */
function checkContent(call: Call, { type, format, content, fileName, expireIn, expiresAtMs }: StoredArtifact): void {
  const magic = content.toString('latin1', 0, 4);
  const isZip = magic === 'PK\u0003\u0004' || magic === 'PK\u0005\u0006';
  if (format === 'zip' && !isZip) call.note('artifact-content', `the ${type} "${fileName}" is not a zip file`);
  if (format === 'gzip' && !magic.startsWith('\u001f\u008b')) {
    call.note('artifact-content', `the ${type} "${fileName}" is not gzip`);
  }
  if (expireIn !== undefined && expiresAtMs === undefined && expireIn !== 'never') {
    call.note('expire-in', `"${expireIn}" is no length of time`);
  }
}
