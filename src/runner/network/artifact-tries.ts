import type { Clock } from '../../util/clock.ts';
import { type RunnerLog, shortToken } from '../runner-log.ts';
import type {
  ArtifactDownload,
  ArtifactDownloaded,
  ArtifactUpload,
  ArtifactUploaded,
  GitlabClient,
} from './gitlab-client.ts';
import type { JobCredentials } from './payload.ts';
import { backoff } from './retry.ts';

/** What trying needs. */
export interface TriesGiven {
  readonly client: Pick<GitlabClient, 'uploadArtifacts' | 'downloadArtifacts'>;
  readonly clock: Clock;
  readonly log: RunnerLog;
  readonly signal?: AbortSignal;
}

/** Tries in all; a server that is unavailable is waited for longer. */
const uploadTries = { unavailable: 6, other: 3 } as const;
const downloadTries = 3;
const downloadPauseMs = 1000;

/** Uploads artifacts, again where that may help: 1 s, 2 s, 4 s, then 5 s between tries. */
export async function uploadArtifact(
  given: TriesGiven,
  job: JobCredentials,
  upload: ArtifactUpload,
): Promise<ArtifactUploaded> {
  const { client, clock, log, signal } = given;
  const pauses = backoff({ minMs: 1000, maxMs: 5000 });
  const as = upload.type === '' || upload.type === 'archive' ? '' : ` as "${upload.type}"`;
  for (let tries = 1; ; tries++) {
    const uploaded = await client.uploadArtifacts(job, upload, signal);
    const { state, why } = uploaded;
    log(state === 'succeeded' ? 'info' : 'error', `Uploading artifacts${as} to coordinator... ${why}`, {
      id: job.id,
      responseStatus: why,
      token: shortToken(job.token),
    });
    if (state === 'succeeded' || state === 'forbidden' || state === 'too-large') return uploaded;
    if (tries >= (state === 'unavailable' ? uploadTries.unavailable : uploadTries.other)) return uploaded;
    await clock.sleep(pauses.next(), signal);
    if (signal?.aborted) return uploaded;
  }
}

/** Downloads artifacts, again where that may help. Only the first try asks to be sent to the store itself. */
export async function downloadArtifact(
  given: TriesGiven,
  dependency: JobCredentials,
  options: { readonly directDownload: 'on' | 'off'; readonly take: ArtifactDownload['take'] },
): Promise<ArtifactDownloaded> {
  const { client, clock, log, signal } = given;
  for (let tries = 1; ; tries++) {
    const direct = options.directDownload === 'on' && tries === 1 ? 'true' : 'omitted';
    const downloaded = await client.downloadArtifacts(dependency, { direct, take: options.take }, signal);
    const { state, why } = downloaded;
    log(
      state === 'succeeded' ? 'info' : 'error',
      `Downloading artifacts from coordinator... ${state === 'succeeded' ? 'ok' : why}`,
      {
        id: dependency.id,
        responseStatus: why,
        token: shortToken(dependency.token),
      },
    );
    if (state !== 'failed' || tries >= downloadTries) return downloaded;
    await clock.sleep(downloadPauseMs, signal);
    if (signal?.aborted) return downloaded;
  }
}

/** How an archive is packed, by its first bytes. */
export function artifactFormatOf(start: Uint8Array): 'zip' | 'gzip' | 'tar.zst' {
  if (start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd) return 'tar.zst';
  return start[0] === 0x1f && start[1] === 0x8b ? 'gzip' : 'zip';
}

/** The file name that is sent: `name` or `default`, with the ending of the format. */
export function artifactFilename(name: string, format: string): string {
  const base = name.split('/').pop() || 'default';
  const endings: Readonly<Record<string, string>> = { zip: '.zip', gzip: '.gz', tarzstd: '.tar.zst' };
  return base + (endings[format] ?? '');
}
