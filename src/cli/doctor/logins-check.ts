import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isRecord } from '../../executors/docker/docker-context.ts';
import { findProgram } from '../../util/find-program.ts';
import type { Check } from './check.ts';

/** Which registries there are logins for: names alone, nothing is asked for a password. */
export const loginsCheck: Check = {
  id: 'logins',
  look: ({ invocation: { env } }) => {
    const directory = env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker');
    const path = join(directory, 'config.json');
    const sources: [name: string, text: string | undefined][] = [
      ['DOCKER_AUTH_CONFIG', env['DOCKER_AUTH_CONFIG'] || undefined],
      [path, readText(path)],
    ];
    const registries = new Set<string>();
    const helpers = new Set<string>();
    for (const [name, text] of sources) {
      if (text === undefined) continue;
      const config = parse(text);
      if (!isRecord(config)) {
        return { status: 'warn', message: `${name} is no JSON object`, fix: `mend ${name}, or \`docker login\` anew` };
      }
      for (const registry of Object.keys(isRecord(config.auths) ? config.auths : {})) registries.add(registry);
      const chosen = isRecord(config.credHelpers) ? config.credHelpers : {};
      for (const [registry, helper] of Object.entries(chosen)) {
        registries.add(registry);
        helpers.add(String(helper));
      }
      if (typeof config.credsStore === 'string' && config.credsStore !== '') helpers.add(config.credsStore);
    }
    const details = { registries: [...registries], helpers: [...helpers] };
    const programs = [...helpers].map((helper) => `docker-credential-${helper}`);
    const missing = programs.filter((program) => findProgram(program, env['PATH'] ?? '') === undefined);
    const names = registries.size === 0 ? 'none stored' : [...registries].join(', ');
    const message = programs.length === 0 ? names : `${names} (by ${programs.join(', ')})`;
    if (missing.length === 0) return { status: 'ok', message, details };
    return {
      status: 'warn',
      message: `${message}; not installed: ${missing.join(', ')}`,
      fix: `install ${missing.join(', ')}, or take it out of ${path}: without it images are pulled without a login`,
      details: { ...details, missing },
    };
  },
};

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
