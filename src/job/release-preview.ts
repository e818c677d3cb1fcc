import type { Release, ReleaseLink } from '../model/deployment.ts';
import type { Outcome } from '../model/outcome.ts';
import type { ReleaseStep } from '../model/step.ts';
import type { JobRun } from './job-run.ts';

/** A description is read from a file up to this size. */
const maxDescriptionBytes = 1024 * 1024;
/** Characters of it that are told: it goes into events and the state of the run. */
const longestDescription = 10_000;

/**
 * Works out the release that a server would make, checks what GitLab's tool checks, and makes none.
 * Source: https://docs.gitlab.com/ci/yaml/#release
 * @returns the job's failure where the tool would fail.
 */
export async function previewRelease(run: JobRun, step: ReleaseStep): Promise<Outcome | undefined> {
  const { variables, log } = run;
  const text = (written: string | undefined): string => variables.expand(written ?? '').trim();
  const tagName = text(step.tagName) || (variables.get('CI_COMMIT_TAG') ?? '');
  const releasedAt = text(step.releasedAt);
  const links = step.links.map(
    (link): ReleaseLink => ({
      ...{ name: text(link.name), url: text(link.url) },
      ...(link.filepath === undefined ? {} : { filepath: text(link.filepath) }),
      ...(link.linkType === undefined ? {} : { linkType: link.linkType }),
    }),
  );
  const problem = problemOf(tagName, releasedAt, links);
  if (problem !== undefined) return { status: 'failed', reason: 'script_failure', message: `release: ${problem}` };
  const tagMessage = text(step.tagMessage);
  const release: Release = {
    ...{ tagName, name: text(step.name) || tagName, links },
    description: cut(await describe(run, text(step.description))),
    ref: text(step.ref) || (variables.get('CI_COMMIT_SHA') ?? ''),
    milestones: step.milestones.map(text).filter((milestone) => milestone !== ''),
    ...(tagMessage === '' ? {} : { tagMessage }),
    ...(releasedAt === '' ? {} : { releasedAt }),
  };
  run.release = release;
  for (const line of releaseLines(release)) await log.line(line);
  return undefined;
}

function problemOf(tagName: string, releasedAt: string, links: readonly ReleaseLink[]): string | undefined {
  if (tagName === '') return '`tag_name` is empty once its variables are expanded, and this is no pipeline of a tag';
  if (/[\s~^:?*[\\]|\.\.|^[-/]|[/.]$/.test(tagName)) return `\`${tagName}\` can't be the name of a tag`;
  if (releasedAt !== '' && Number.isNaN(Date.parse(releasedAt))) return `\`released_at\` is no date: \`${releasedAt}\``;
  const bad = links.find(({ url }) => !isAddress(url));
  return bad && `the link \`${bad.name}\` has no valid \`url\`: \`${bad.url}\``;
}

function isAddress(url: string): boolean {
  return /^(https?|ftp):\/\//.test(url) && URL.canParse(url);
}

function cut(description: string): string {
  return description.length > longestDescription ? `${description.slice(0, longestDescription)}…` : description;
}

/** The content of a file of this name, else the text itself. */
async function describe({ session }: JobRun, description: string): Promise<string> {
  if (description.includes('\n') || description.length > 1024 || description === '') return description;
  const content = await session.files.read(description, maxDescriptionBytes).catch(() => undefined);
  return content === undefined ? description : Buffer.from(content).toString('utf8');
}

function releaseLines({ tagName, name, ref, description, milestones, releasedAt, links }: Release): string[] {
  const first = description.trim().split('\n', 1)[0] ?? '';
  return [
    `No release is made from here. A GitLab server would create the release "${name}" of the tag ${tagName}:`,
    `  a tag that does not exist yet would point at ${ref}`,
    ...(first === '' ? [] : [`  description: ${first}${first === description.trim() ? '' : ' …'}`]),
    ...(milestones.length === 0 ? [] : [`  milestones: ${milestones.join(', ')}`]),
    ...(releasedAt === undefined ? [] : [`  released at: ${releasedAt}`]),
    ...links.map((link) => `  asset: ${link.name} ${link.url}`),
  ];
}
