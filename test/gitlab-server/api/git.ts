import { basename, dirname } from 'node:path';
import { askHttpBackend } from '../../support/http-backend.ts';
import { emptyReply, type Reply, textReply } from '../http/reply.ts';
import type { Project } from '../state/model.ts';
import { executingJobOf } from '../state/queue.ts';
import type { Store } from '../state/store.ts';
import type { Call } from './call.ts';

const pattern = /^\/(.+?)\.git\/(info\/refs|git-upload-pack|git-receive-pack|HEAD|objects\/.*)$/;

/** Is it a path below a repository? */
export function isGitPath(path: string): boolean {
  return pattern.test(path);
}

/** Serves a project's repository to whoever shows the token of one of its running jobs; nobody may push. */
export async function serveGit(call: Call): Promise<Reply> {
  const { store, incoming } = call;
  const [, path = '', rest = ''] = pattern.exec(decodeURIComponent(incoming.path)) ?? [];
  const project = store.projects.find((candidate) => candidate.path === path);
  const [user, token = ''] = login(incoming.headers.authorization);
  const job = user === 'gitlab-ci-token' ? executingJobOf(store, token) : undefined;
  if (job === undefined) {
    return textReply(401, 'HTTP Basic: Access denied', { 'www-authenticate': 'Basic realm="GitLab"' });
  }
  if (!mayRead(store, job.pipeline.project, project) || project?.repository === undefined) {
    return textReply(404, 'The project you were looking for could not be found.');
  }
  if (rest === 'git-receive-pack' || incoming.query.get('service') === 'git-receive-pack') return emptyReply(403);
  return askHttpBackend(dirname(project.repository), {
    method: incoming.method,
    path: `/${basename(project.repository)}/${rest}`,
    query: incoming.query.toString(),
    headers: incoming.headers,
    body: incoming.body,
    config: { 'uploadpack.allowAnySHA1InWant': 'true' },
  });
}

/** A job may read its own project, and others that this server has beside it. */
function mayRead(store: Store, own: Project, wanted: Project | undefined): boolean {
  return wanted !== undefined && (wanted === own || store.projects.includes(wanted));
}

function login(authorization = ''): readonly string[] {
  const encoded = /^Basic (.+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) return [''];
  const [user = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return [user, password.join(':')];
}
