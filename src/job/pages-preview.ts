import { lstat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { PublishPagesStep } from '../model/step.ts';
import type { JobRun } from './job-run.ts';

/** Finds the folder that a server would publish among what the job uploaded. What is missing is told; it fails nothing here. */
export async function previewPages(run: JobRun, step: PublishPagesStep): Promise<void> {
  const { variables, log, artifacts } = run;
  const publish = posix.normalize(variables.expand(step.publish).trim() || 'public').replace(/^\.\/|\/$/g, '');
  const pathPrefix = variables.expand(step.pathPrefix ?? '').trim();
  const isOutside = publish.startsWith('/') || publish === '..' || publish.startsWith('../');
  const archives = isOutside ? [] : artifacts.filter(({ type }) => type === 'archive');
  for (const archive of archives) {
    const path = join(archive.path, publish);
    const found = await lstat(path).catch(() => undefined);
    if (!found?.isDirectory()) continue;
    run.pages = {
      ...{ publish, path },
      ...(pathPrefix === '' ? {} : { pathPrefix }),
      ...(step.expireInMs === undefined ? {} : { expireInMs: step.expireInMs }),
    };
    await log.line(`Nothing is published from here. A GitLab server would publish ${publish}, which lies in ${path}`);
    return;
  }
  await log.warning(`the job left no folder ${publish}: a GitLab server would have nothing to publish and fail`);
}
