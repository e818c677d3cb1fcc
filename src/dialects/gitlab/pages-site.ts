import type { PublishPagesStep, UploadArtifactsStep } from '../../model/step.ts';
import type { MapNode } from '../../syntax/node.ts';
import { take } from './keyword.ts';
import { pages } from './keywords/pages.ts';
import { publish } from './keywords/publish.ts';
import { invalidValue, type Reading } from './reading.ts';

/**
 * The site that a job makes, if it makes one: a job with `pages`, or one that is called so.
 * Source: lib/gitlab/ci/config/entry/job.rb (`pages_job?`)
 */
export function pagesSite(name: string, node: MapNode, reading: Reading): PublishPagesStep | undefined {
  const settings = take(node, pages, reading);
  const older = take(node, publish, reading);
  if (!(settings?.isSite ?? name === 'pages')) {
    const hint = 'write `pages: true` beside it, or `pages: { publish: … }` instead';
    if (older) invalidValue(reading, older.span, '`publish` is for jobs with `pages` alone', hint);
    return undefined;
  }
  const { pathPrefix, expireInMs } = settings ?? {};
  return {
    ...{ kind: 'publish-pages', phase: 'finish', when: 'on_success' },
    publish: settings?.publish ?? older?.value ?? 'public',
    ...(pathPrefix === undefined ? {} : { pathPrefix }),
    ...(expireInMs === undefined ? {} : { expireInMs }),
  };
}

/** Uploads that hold the site too. Source: https://docs.gitlab.com/ci/yaml/#pagespublish */
export function withSite(
  uploads: readonly UploadArtifactsStep[],
  site: PublishPagesStep | undefined,
): readonly UploadArtifactsStep[] {
  if (site === undefined) return uploads;
  const plain = (path: string): string => path.replace(/\/(\*\*?)?$/, '');
  const archive = uploads.find(({ type }) => type === 'archive');
  if (archive === undefined) {
    const own = { kind: 'upload-artifacts', phase: 'finish', when: 'on_success', type: 'archive' } as const;
    return [{ ...own, paths: [site.publish], exclude: [], untracked: false }, ...uploads];
  }
  if (archive.paths.some((path) => plain(path) === plain(site.publish))) return uploads;
  return uploads.map((upload) => (upload === archive ? { ...upload, paths: [...upload.paths, site.publish] } : upload));
}
