import { errorText } from './error-text.ts';
import { ContentUnavailable, discard } from './exchange.ts';
import type {
  ArtifactDownload,
  ArtifactDownloaded,
  ArtifactUpload,
  ArtifactUploaded,
  GitlabClient,
} from './gitlab-client.ts';
import { multipartFile } from './multipart.ts';
import type { JobCredentials } from './payload.ts';
import type { Answer, Transport } from './transport.ts';

/** One upload or download each; how often they are tried is said in `artifact-tries.ts`. */
export function artifactCalls(transport: Transport): Pick<GitlabClient, 'uploadArtifacts' | 'downloadArtifacts'> {
  return {
    uploadArtifacts: (job, upload, signal) => uploadOnce(transport, job, upload, signal),
    downloadArtifacts: (dependency, download, signal) => downloadOnce(transport, dependency, download, signal),
  };
}

function uploadPath(job: JobCredentials, { type, format, expireIn }: ArtifactUpload): string {
  const query = new URLSearchParams();
  if (format !== '') query.set('artifact_format', format);
  if (type !== '') query.set('artifact_type', type);
  if (expireIn !== '') query.set('expire_in', expireIn);
  return `jobs/${job.id}/artifacts${query.size === 0 ? '' : `?${query}`}`;
}

async function uploadOnce(
  transport: Transport,
  job: JobCredentials,
  upload: ArtifactUpload,
  signal: AbortSignal | undefined,
): Promise<ArtifactUploaded> {
  const { contentType, open } = multipartFile(upload);
  try {
    const answer = await transport.call({
      method: 'POST',
      path: uploadPath(job, upload),
      headers: { 'JOB-TOKEN': job.token, 'Content-Type': contentType },
      body: { kind: 'stream', open },
      signal,
      ...(upload.timeouts === undefined ? {} : { limits: upload.timeouts }),
    });
    if (answer.status !== 201) return { state: uploadState(answer), why: await refusalText(answer) };
    await discard(answer);
    return { state: 'succeeded', why: answer.statusText };
  } catch (error) {
    const why = (error as Error)?.message ?? String(error);
    return error instanceof ContentUnavailable
      ? { state: 'failed', why: `can't read ${upload.filename}: ${why}` }
      : { state: 'failed', why };
  }
}

/** The status, and the whole text only where the server has more to say. */
async function refusalText(answer: Answer): Promise<string> {
  const text = await errorText('POST', answer);
  return text.endsWith(`: ${answer.statusText}`) ? answer.statusText : text;
}

function uploadState({ status, headers }: Answer): Exclude<ArtifactUploaded['state'], 'succeeded'> {
  switch (status) {
    case 307:
    case 308:
      return headers.location === undefined || headers.location === '' ? 'failed' : 'redirected';
    case 403:
      return 'forbidden';
    case 413:
      return 'too-large';
    case 503:
      return 'unavailable';
    default:
      return 'failed';
  }
}

async function downloadOnce(
  transport: Transport,
  dependency: JobCredentials,
  download: ArtifactDownload,
  signal: AbortSignal | undefined,
): Promise<ArtifactDownloaded> {
  const { direct, take } = download;
  let answer: Answer;
  try {
    answer = await transport.call({
      method: 'GET',
      path: `jobs/${dependency.id}/artifacts${direct === 'omitted' ? '' : `?direct_download=${direct}`}`,
      headers: { 'JOB-TOKEN': dependency.token },
      signal,
    });
  } catch (error) {
    return { state: 'failed', why: (error as Error)?.message ?? String(error) };
  }
  if (answer.status !== 200) {
    return { state: downloadState(answer.status), why: await errorText('GET', answer, 'json-or-xml') };
  }
  return taken(answer, take);
}

/** What a body ends with when its connection does, or a limit of time. */
const endsOfConnections = [
  ...['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ABORT_ERR', 'ERR_STREAM_PREMATURE_CLOSE'],
  ...['Z_BUF_ERROR', 'Z_DATA_ERROR'],
];

/** Passes the body on. What the network does to it makes the download fail; what its taker throws is thrown on. */
async function taken(answer: Answer, take: ArtifactDownload['take']): Promise<ArtifactDownloaded> {
  let broken = '';
  answer.body.on('error', (error: NodeJS.ErrnoException) => {
    // A taker that fails destroys the body with its own error.
    if (endsOfConnections.includes(error.code ?? '')) broken = error.message;
  });
  try {
    await take(answer.body);
    return { state: 'succeeded', why: answer.statusText };
  } catch (error) {
    if (broken === '') throw error;
    return { state: 'failed', why: `the body ended too early: ${broken}` };
  } finally {
    answer.body.destroy();
  }
}

function downloadState(status: number): Exclude<ArtifactDownloaded['state'], 'succeeded'> {
  switch (status) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'not-found';
    default:
      return 'failed';
  }
}
