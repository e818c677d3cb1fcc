import type { Findings } from '../model/outcome.ts';

/** What a job did to environments, releases and sites, one line each; not made safe to print. */
export function deploymentLines(
  job: Pick<Findings, 'deployment' | 'release' | 'pages'> & { readonly id: string },
): string[] {
  const { deployment, release, pages } = job;
  const lines: string[] = [];
  if (deployment !== undefined) {
    const { environment, state, url, onStop, autoStopIn } = deployment;
    const stop = onStop === undefined ? [] : [`${onStop} stops it`];
    const auto = autoStopIn === undefined ? [] : [`a server would stop it after ${autoStopIn}`];
    const more = state === 'started' ? [...stop, ...auto] : [];
    const where = url === undefined ? '' : ` ${url}`;
    lines.push(`environment ${environment}${where}: ${[`${state} by ${job.id}`, ...more].join(', ')}`);
  }
  if (release !== undefined) {
    const what = release.name === release.tagName ? release.tagName : `${release.name} (tag ${release.tagName})`;
    lines.push(`release ${what}: not made, a server would make it after ${job.id}`);
  }
  if (pages !== undefined) {
    const at = pages.pathPrefix === undefined ? '' : ` at /${pages.pathPrefix}`;
    lines.push(`pages${at}: not published, ${job.id} left the site in ${pages.path}`);
  }
  return lines;
}
