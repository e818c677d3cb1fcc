import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrap } from '../../../src/executors/docker/bootstrap.ts';
import { preamble } from '../../../src/executors/preamble.ts';
import { runCommand } from '../../../src/util/process-command.ts';

const path = process.env.PATH ?? '/usr/bin:/bin';
const shells = [['/bin/dash'], ['/bin/bash'], ['/bin/busybox', 'sh']].filter(([file]) => existsSync(file!));

/** Runs the bootstrap as a container would and gives the environment that the script saw. */
async function seen(shell: readonly string[], options: Parameters<typeof preamble>[0]) {
  const result = await runCommand([...shell, '-c', bootstrap], {
    // Bash reads ~/.bashrc when its input is a socket, unless another shell runs above it.
    env: { PATH: path, SHLVL: '1' },
    input: `${preamble(options).line}cat /proc/self/environ; echo >&2 "$0"; exit 9\n`,
  });
  const variables = new Map(
    result.stdout.split('\0').map((text) => [text.split('=', 1)[0]!, text.slice(text.indexOf('=') + 1)] as const),
  );
  return { ...result, variables };
}

describe.each(shells)('bootstrap in %s %s', (...shell) => {
  const argv = shell.filter((word) => word !== undefined);

  it('keeps hostile values as they are', async () => {
    const env = {
      QUOTE: `it's "$HOME" $(id) \`id\` \\n !!`,
      LINES: '\n\na\nb\r\n\n',
      UNICODE: 'Ünïcode Á \u{1f600} \u0001\u0081\u0088',
      PERCENT: '%s %d \\042 100%',
      EMPTY: '',
      SPACES: '  two  ',
      DASH: '-n',
      stop: '1',
    };
    const { variables, code, stderr } = await seen(argv, { env, shell: 'bash' });
    expect(Object.fromEntries(Object.keys(env).map((name) => [name, variables.get(name)]))).toEqual(env);
    expect({ code, stderr }).toEqual({ code: 9, stderr: 'bash\n' });
    expect([...variables.keys()].filter((name) => name.startsWith('__ci'))).toEqual([]);
  });

  it('keeps any value', async () => {
    const text = fc
      .string({ unit: 'binary' })
      .filter((value) => Buffer.from(value).toString() === value && !value.includes('\0'));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 40 }), async (values) => {
        const env = Object.fromEntries(values.map((value, index) => [`V${index}`, value]));
        const { variables } = await seen(argv, { env, shell: 'bash' });
        expect(values.map((_, index) => variables.get(`V${index}`))).toEqual(values);
      }),
      { numRuns: 15 },
    );
  });

  it('survives names that a shell keeps for itself', async () => {
    const env = { UID: '5', IFS: ':', PPID: 'x', OPTIND: 'abc', _: 'y', SHELLOPTS: 'z', LAST: 'here' };
    const { variables, code } = await seen(argv, { env, shell: 'bash' });
    expect({ code, last: variables.get('LAST') }).toEqual({ code: 9, last: 'here' });
  });

  it('names variables that it can not set', () => {
    expect(preamble({ env: { 'A.B': '1', '1A': '2', 'X;id': '3', NUL: '\0', OK: '4' }, shell: 'sh' }).skipped).toEqual([
      'A.B',
      '1A',
      'X;id',
      'NUL',
    ]);
  });

  it('takes a directory and a shell with options', async () => {
    const { stderr, code } = await seen(argv, { env: {}, directory: '/', shell: '/bin/sh -eu' });
    expect({ stderr, code }).toEqual({ stderr: '/bin/sh\n', code: 9 });
    const missing = await seen(argv, { env: {}, directory: "/no/such ' place", shell: 'sh' });
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("/no/such ' place");
  });
});
