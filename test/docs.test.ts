import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];

describe('the docs', () => {
  it('are what the schema, the program and the code tables generate', () => {
    expect(() =>
      execFileSync(process.execPath, ['scripts/docs.mjs', '--check'], { cwd: root, stdio: 'pipe' }),
    ).not.toThrow();
  });

  it('begin with the two commands, the run first', () => {
    const [, block] = /```\w*\n([\s\S]*?)```/.exec(read('README.md'))!;
    const lines = block!.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain(' run ');
    expect(lines[1]).toContain('npm test');
    expect(read('.ci/run')).toContain('npm test');
  });

  it.each(pages)('%s has no dead link', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
    const dead = links.filter((link) => !/^https?:/.test(link) && !existsSync(join(root, dirname(page), link)));
    expect(dead).toEqual([]);
  });

  it('name only commands and options that there are', () => {
    const reference = read('docs/command-line.md');
    const known = new Set([...reference.matchAll(/(?:^|[\s`,])(--?[a-z][a-z-]*)/gim)].map((match) => match[1]!));
    const unknown: string[] = [];
    for (const page of pages.filter((name) => !name.endsWith('ARCHITECTURE.md'))) {
      for (const [command] of read(page).matchAll(
        /\bci (?:run|lint|list|plan|explain|graph|config|logs|artifacts|runs|clean)\b[^`\n|·]*/g,
      )) {
        for (const [, option] of command.matchAll(/(?:^|\s)(--[a-z][a-z-]*)/g)) {
          if (!known.has(option!)) unknown.push(`${page}: ${option}`);
        }
      }
    }
    expect(unknown).toEqual([]);
  });
});
