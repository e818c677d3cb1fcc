import {
  checkFields,
  optionalBoolean,
  optionalInteger,
  optionalRecord,
  optionalText,
  optionalWord,
  type Parameters,
  requiredText,
} from '../http/incoming.ts';
import { emptyReply, jsonReply, type Reply } from '../http/reply.ts';
import type { Runner } from '../state/model.ts';
import { addRunner, type NewRunner, resetToken, type Store } from '../state/store.ts';
import { ApiError, badParameter, forbidden, notFound } from './api-error.ts';
import { authenticateRunner, heartbeat } from './authenticate.ts';
import type { Call } from './call.ts';

/** `POST /runners`: a registration token makes a runner. */
export function registerRunner({ store, parameters }: Call): Reply {
  const token = requiredText(parameters, 'token');
  const given = readRunner(parameters);
  checkFields(optionalRecord(parameters, 'info'), 'info', {
    texts: ['name', 'version', 'revision', 'platform', 'architecture'],
  });
  const { registrationToken, runnerLimit } = store.settings;
  if (registrationToken === 'disallowed') {
    const message = '410 Gone - runner registration disallowed';
    throw new ApiError(410, { message, reason: 'runner_registration_disallowed' }, { kind: 'state' });
  }
  if (token !== registrationToken) throw forbidden('invalid token supplied', { kind: 'state' });
  const problems = problemsOf(given);
  if (runnerLimit !== undefined && store.runners.size >= runnerLimit) {
    problems['runner_namespaces.base'] = [`Maximum number of ci registered group runners (${runnerLimit}) exceeded`];
  }
  if (Object.keys(problems).length > 0) throw new ApiError(400, { message: problems }, { kind: 'state' });
  return jsonReply(201, details(addRunner(store, 'registered', given)));
}

function readRunner(parameters: Parameters): NewRunner {
  exclusive(parameters, 'active', 'paused');
  exclusive(parameters, 'maintainer_note', 'maintenance_note');
  const active = optionalBoolean(parameters, 'active');
  const note = optionalText(parameters, 'maintenance_note') ?? optionalText(parameters, 'maintainer_note');
  const timeout = optionalInteger(parameters, 'maximum_timeout');
  return {
    description: optionalText(parameters, 'description') ?? '',
    tags: readTags(parameters),
    runUntagged: optionalBoolean(parameters, 'run_untagged') ?? true,
    locked: optionalBoolean(parameters, 'locked') ?? false,
    paused: optionalBoolean(parameters, 'paused') ?? active === false,
    accessLevel:
      optionalWord(parameters, 'access_level', ['not_protected', 'ref_protected']) === 'ref_protected'
        ? 'ref_protected'
        : 'not_protected',
    ...(note === undefined ? {} : { maintenanceNote: note }),
    ...(timeout === undefined ? {} : { maximumTimeout: timeout }),
  };
}

function exclusive({ values }: Parameters, one: string, other: string): void {
  if (one in values && other in values) throw badParameter(`${one}, ${other} are mutually exclusive`);
}

/** One text with commas; a list is taken too. */
function readTags(parameters: Parameters): readonly string[] {
  const value = parameters.values['tag_list'];
  const texts = Array.isArray(value) ? value.map(String) : (optionalText(parameters, 'tag_list') ?? '').split(',');
  return texts.map((tag) => tag.trim()).filter((tag) => tag !== '');
}

function problemsOf({ tags, runUntagged, maximumTimeout, maintenanceNote }: NewRunner): Record<string, string[]> {
  const problems: Record<string, string[]> = {};
  if (runUntagged === false && tags?.length === 0) {
    problems['tags_list'] = ['can not be empty when runner is not allowed to pick untagged jobs'];
  }
  if (maximumTimeout !== undefined && maximumTimeout < 600) {
    problems['maximum_timeout'] = ['needs to be at least 10 minutes'];
  }
  if ((maintenanceNote ?? '').length > 1024) {
    problems['maintenance_note'] = ['is too long (maximum is 1024 characters)'];
  }
  return problems;
}

/** `POST /runners/verify`: is the token good, and whose is it? */
export function verifyRunner(call: Call): Reply {
  const runner = authenticateRunner(call);
  heartbeat(call, runner);
  return jsonReply(200, details(runner));
}

/** `DELETE /runners`: the runner is gone, with all of its managers. */
export function unregisterRunner(call: Call): Reply {
  const runner = authenticateRunner(call);
  call.store.runners.delete(runner.id);
  return emptyReply(204);
}

/** `DELETE /runners/managers`: one machine is gone, the runner stays. */
export function unregisterManager(call: Call): Reply {
  const missing = ['token', 'system_id'].filter((name) => !(name in call.parameters.values));
  if (missing.length > 0) throw badParameter(missing.map((name) => `${name} is missing`).join(', '));
  const runner = authenticateRunner(call);
  const systemId = requiredText(call.parameters, 'system_id');
  if (!runner.managers.delete(systemId)) throw notFound('Runner manager not found');
  return emptyReply(204);
}

/** `POST /runners/reset_authentication_token`: by the runner's own token. */
export function resetOwnToken(call: Call): Reply {
  const runner = authenticateRunner(call);
  heartbeat(call, runner);
  return renewed(call.store, runner);
}

/** `POST /runners/:id/reset_authentication_token`: by a person's token. */
export function resetTokenOf(call: Call): Reply {
  const { store, incoming, id } = call;
  if (incoming.headers['private-token'] !== store.settings.personalToken) {
    throw new ApiError(401, { message: '401 Unauthorized' }, { kind: 'state' });
  }
  const runner = store.runners.get(Number(id));
  if (runner === undefined) throw notFound('Runner');
  return renewed(store, runner);
}

function renewed(store: Store, runner: Runner): Reply {
  resetToken(store, runner);
  return jsonReply(201, { token: runner.token, token_expires_at: expiry(runner) });
}

/** `GET /runners/router/discovery`: this server has no job router. */
export function discoverRouter({ store, incoming }: Call): Reply {
  const token = incoming.headers['runner-token'];
  if (![...store.runners.values()].some((runner) => runner.token === token)) throw forbidden();
  const message = 'Job Router is not available. Please contact your administrator.';
  throw new ApiError(501, { message }, { kind: 'state' });
}

function details(runner: Runner): Readonly<Record<string, unknown>> {
  return { id: runner.id, token: runner.token, token_expires_at: expiry(runner) };
}

function expiry({ tokenExpiresAtMs }: Runner): string | null {
  return tokenExpiresAtMs === undefined ? null : new Date(tokenExpiresAtMs).toISOString();
}
