import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scriptText, shellOf } from '../../src/job/script-text.ts';
import { shellQuote } from '../../src/util/shell-quote.ts';

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Feeds the text to a real shell on its standard input, as sessions do. */
function run(command: string, text: string): Promise<Ran> {
  const [file, ...args] = command.split(' ');
  return new Promise((resolve, reject) => {
    const child = spawn(file!, args, { env: { PATH: '/usr/local/bin:/usr/bin:/bin', SHLVL: '1' } });
    let out = '';
    let err = '';
    child.stdout.on('data', (bytes) => (out += bytes));
    child.stderr.on('data', (bytes) => (err += bytes));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
    child.stdin.on('error', () => {});
    child.stdin.end(text);
  });
}

const plainOf = (out: string): string => out.replaceAll(/\x1b\[[0-9;]*m/g, '');

const shells = [
  { name: 'bash', command: 'bash', kind: 'bash' },
  { name: 'sh', command: 'sh', kind: 'sh' },
  { name: 'busybox sh', command: '/usr/bin/busybox sh', kind: 'sh' },
].filter(({ command }) => command !== '/usr/bin/busybox sh' || existsSync('/usr/bin/busybox')) as {
  name: string;
  command: string;
  kind: 'bash' | 'sh';
}[];

describe.each(shells)('script text for $name', ({ command, kind }) => {
  const script = (...commands: string[]) => run(command, scriptText(commands, { shell: kind, echo: 'gitlab' }));

  it('prints each command before it runs, in GitLab’s colours', async () => {
    const { code, out } = await script('echo one', 'for i in 1 2; do\n  echo $i\ndone');
    expect(code).toBe(0);
    expect(out).toBe(
      '\x1b[32;1m$ echo one\x1b[0;m\none\n\x1b[32;1m$ for i in 1 2; do # collapsed multi-line command\x1b[0;m\n1\n2\n',
    );
  });

  it.each([
    ['stops at the first failure', ['echo a', 'false', 'echo b'], 1, '$ echo a\na\n$ false\n'],
    ['gives the exit code', ['exit 7', 'echo b'], 7, '$ exit 7\n'],
    ['takes exit 0 as success', ['echo a; exit 0', 'false'], 0, '$ echo a; exit 0\na\n'],
    ['fails in a subshell', ['(exit 3)', 'echo b'], 3, '$ (exit 3)\n'],
    ['keeps variables and functions', ['X=1', 'f() { echo "$X"; }', 'f'], 0, '$ X=1\n$ f() { echo "$X"; }\n$ f\n1\n'],
    ['keeps the directory', ['cd /tmp', 'pwd'], 0, '$ cd /tmp\n$ pwd\n/tmp\n'],
    [
      'lets a condition fail',
      ['if false; then echo x; fi', 'echo ok'],
      0,
      '$ if false; then echo x; fi\n$ echo ok\nok\n',
    ],
    ['fails when the last list is false', ['false && echo x'], 1, '$ false && echo x\n'],
    [
      'gives commands an empty input',
      ['cat', 'read x || echo none', 'echo end'],
      0,
      '$ cat\n$ read x || echo none\nnone\n$ echo end\nend\n',
    ],
    [
      'takes here documents',
      ["cat <<'E'\n$x 'y'\nE", 'echo end'],
      0,
      "$ cat <<'E' # collapsed multi-line command\n$x 'y'\n$ echo end\nend\n",
    ],
    ['does without commands', [], 0, ''],
    ['runs an exit trap', ['trap "echo bye" EXIT', 'false'], 1, '$ trap "echo bye" EXIT\n$ false\nbye\n'],
  ] as [string, string[], number, string][])('%s', async (_name, commands, code, out) => {
    const ran = await script(...commands);
    expect({ code: ran.code, out: plainOf(ran.out) }).toEqual({ code, out });
  });

  it('leaves syntax errors to the shell', async () => {
    const { code, out, err } = await script('echo before', 'if then', 'echo after');
    expect(code).not.toBe(0);
    expect(err).toMatch(/syntax/i);
    expect(out).not.toContain('\nafter');
  });

  it('shows any text as it is, and nothing in it gets out', async () => {
    const hostile = fc.array(
      fc.constantFrom(
        "'",
        '"',
        '\\',
        '$',
        '`',
        '$(echo no)',
        '`echo no`',
        '!',
        '\n',
        ' ',
        '%s',
        '\\n',
        "'\\''",
        '#',
        ';',
        '&',
        '*',
        'ü',
        '\t',
        '\x1b',
        '-n',
        'E',
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 4 }), async (texts) => {
        const commands = texts.map((parts) => `printf '<%s>\\n' ${shellQuote(parts.join(''))}`);
        const { code, out, err } = await script(...commands);
        expect({ code, err }).toEqual({ code: 0, err: '' });
        const expected = commands.map((text, index) => {
          const shown = text.includes('\n')
            ? `${text.slice(0, text.indexOf('\n'))} # collapsed multi-line command`
            : text;
          return `\x1b[32;1m$ ${shown}\x1b[0;m\n<${texts[index]!.join('')}>\n`;
        });
        expect(out).toBe(expected.join(''));
      }),
      { numRuns: 60 },
    );
  });
});

describe('script text', () => {
  it('fails a pipe in bash when its first part fails', async () => {
    expect((await run('bash', scriptText(['false | cat'], { shell: 'bash', echo: 'gitlab' }))).code).toBe(1);
  });

  it('does not stop at failures nor print commands when plain', async () => {
    const text = scriptText(['false\necho on', 'cat'], { shell: 'bash', echo: 'plain' });
    expect(await run('bash', text)).toEqual({ code: 0, out: 'on\n', err: '' });
    expect((await run('bash -eo pipefail', text)).code).toBe(1);
  });

  it('puts programs back into a PATH that was set anew, and only then', async () => {
    const text = scriptText(['echo "$PATH"'], { shell: 'sh', echo: 'plain', programs: "/it's/mine" });
    const { out } = await run('sh', text);
    expect(out).toMatch(/^\/it's\/mine:./);
    expect((await run('sh', `PATH="$PATH:/it's/mine"\n${text}`)).out).toMatch(/^(?!\/it's).*:\/it's\/mine\n$/);
  });

  it('traces on request', async () => {
    const text = scriptText(['true'], { shell: 'bash', echo: 'gitlab', trace: 'on' });
    expect((await run('bash', text)).err).toContain('+ true');
  });

  it('leaves the text alone for shells it does not know', () => {
    expect(scriptText(["print('a')", 'exit'], { shell: 'plain', echo: 'gitlab' })).toBe("print('a')\nexit\n");
  });

  it.each([
    ['/bin/bash -eo pipefail', 'bash'],
    ['bash', 'bash'],
    ['/usr/bin/env python3', 'plain'],
    ['/bin/sh -e', 'sh'],
    ['python3 -', 'plain'],
    ['bash -c', 'plain'],
    ['busybox sh', 'sh'],
  ])('reads %s as %s', (commandLine, kind) => {
    expect(shellOf(commandLine)).toBe(kind);
  });

  it('lets a trap of the user’s see the signal', async () => {
    const text = scriptText(['trap "echo caught; exit 5" TERM', 'kill -TERM $$', 'echo after'], {
      shell: 'bash',
      echo: 'gitlab',
    });
    const { code, out } = await run('bash', text);
    expect(code).toBe(5);
    expect(out).toContain('caught');
  });
});
