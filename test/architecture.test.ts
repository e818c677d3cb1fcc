import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Row {
  readonly mayImport: readonly string[] | 'everything';
  readonly onlyHere: readonly string[];
}

/** The table of docs/ARCHITECTURE.md. */
function readTable(): Map<string, Row> {
  const rows = new Map<string, Row>();
  const text = readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8');
  const section = text.split('## Folders of `src/`')[1]!.split('\n## ')[0]!;
  for (const line of section.split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim());
    const folder = /^`(\w+)`$/.exec(cells[1] ?? '')?.[1];
    if (!folder) continue;
    const may = cells[3]!;
    rows.set(folder, {
      mayImport: may === 'everything' ? 'everything' : may === '–' ? [] : may.split(',').map((name) => name.trim()),
      onlyHere: [...cells[4]!.matchAll(/`([@\w/-]+)`/g)].map((match) => match[1]!),
    });
  }
  return rows;
}

interface SourceFile {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
  readonly imports: readonly string[];
}

function readSources(): SourceFile[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
    .map((name) => {
      const path = join('src', name);
      const text = readFileSync(join(root, path), 'utf8');
      const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1');
      const imports = [...code.matchAll(/(?:\bfrom |\bimport |\bimport\()'([^'\n]+)'/g)].map((match) => match[1]!);
      return { path, folder: name.split('/')[0]!, text, code, imports };
    });
}

const table = readTable();
const sources = readSources();

function target(file: SourceFile, specifier: string): string {
  return normalize(join(dirname(file.path), specifier));
}

describe('the house', () => {
  it('has a row in the table for every folder', () => {
    const folders = new Set(sources.map((file) => file.folder));
    expect([...folders].filter((folder) => !table.has(folder))).toEqual([]);
  });

  it('imports only what the table allows', () => {
    const wrong: string[] = [];
    for (const file of sources) {
      const row = table.get(file.folder)!;
      for (const specifier of file.imports) {
        if (!specifier.startsWith('.')) continue;
        const folder = relative('src', target(file, specifier)).split('/')[0]!;
        const allowed =
          folder === file.folder ||
          folder === 'util' ||
          row.mayImport === 'everything' ||
          row.mayImport.includes(folder);
        if (!allowed) wrong.push(`${file.path} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('keeps each package in its place', () => {
    const owners = (name: string) =>
      [...table].filter(([, row]) => row.onlyHere.includes(name)).map(([folder]) => folder);
    const wrong: string[] = [];
    for (const file of sources) {
      for (const specifier of file.imports) {
        if (specifier.startsWith('.') || specifier.startsWith('node:')) continue;
        const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0];
        if (!owners(name).includes(file.folder)) wrong.push(`${file.path} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('has no import cycle', () => {
    const graph = new Map(
      sources.map((file) => [
        file.path,
        file.imports.filter((specifier) => specifier.startsWith('.')).map((specifier) => target(file, specifier)),
      ]),
    );
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (path: string, way: readonly string[]): void => {
      if (state.get(path) === 'done') return;
      if (state.get(path) === 'open') {
        cycles.push([...way.slice(way.indexOf(path)), path].join(' → '));
        return;
      }
      state.set(path, 'open');
      for (const next of graph.get(path) ?? []) visit(next, [...way, path]);
      state.set(path, 'done');
    };
    for (const path of graph.keys()) visit(path, []);
    expect(cycles).toEqual([]);
  });

  it('reads the process and uses the console only in cli/', () => {
    const banned = /\bprocess\.(env|argv|cwd|stdout|stderr|stdin|exit|exitCode|on|once|chdir)\b|\bconsole\./;
    const wrong = sources.filter((file) => file.folder !== 'cli' && banned.test(file.code)).map((file) => file.path);
    expect(wrong).toEqual([]);
  });

  it('takes the time without `performance`, which costs every start that reads it milliseconds', () => {
    const wrong = sources.filter((file) => /\bperformance\.\w+\(/.test(file.code)).map((file) => file.path);
    expect(wrong.filter((path) => path !== 'src/util/monotonic.ts')).toEqual([]);
  });

  it('starts processes and sends signals only in util/', () => {
    const wrong = sources
      .filter((file) => file.folder !== 'util')
      .filter((file) => file.imports.includes('node:child_process') || /\bprocess\.kill\(/.test(file.code))
      .map((file) => file.path);
    expect(wrong).toEqual([]);
  });

  it('never runs text as code and never walks a tree recursively through links', () => {
    const banned =
      /\beval\(|new Function\(|from 'node:vm'|shell: true|recursive: true, withFileTypes|readdir(Sync)?\([^)]*recursive/;
    // The one way to V8's collector: its name, and nothing else, in a context that is thrown away.
    const collector = 'src/cli/run/hold-memory-down.ts';
    const codeOf = ({ path, code }: (typeof sources)[number]): string =>
      path === collector
        ? code.replace("import { runInNewContext } from 'node:vm';", '').replace("runInNewContext('gc')", '')
        : code;
    expect(sources.filter((file) => banned.test(codeOf(file))).map((file) => file.path)).toEqual([]);
    expect(sources.filter((file) => /\brunIn\w*Context\b/.test(codeOf(file)))).toEqual([]);
  });

  it('does not use AbortSignal.any, which leaks', () => {
    expect(sources.filter((file) => file.code.includes('AbortSignal.any(')).map((file) => file.path)).toEqual([]);
  });

  it('says of everything that it exports what it is', () => {
    const exported =
      /^export (?:async |abstract |declare )*(?:function\*?|class|interface|type|const|let|var) ([\w$]+)/gm;
    const docstring = /\/\*\*(?:(?!\*\/)[\s\S])*\w(?:(?!\*\/)[\s\S])*\*\/\n$/;
    const silent = sources.flatMap(({ path, text }) =>
      [...text.matchAll(exported)]
        .filter((found) => !docstring.test(text.slice(0, found.index)))
        .map((found) => `${path}: ${found[1]}`),
    );
    expect(silent).toEqual([]);
  });

  it('has no default exports and no file named after nothing', () => {
    expect(sources.filter((file) => /export default/.test(file.code)).map((file) => file.path)).toEqual([]);
    expect(
      sources.filter((file) => /(utils|helpers|misc|common)\.ts$/.test(file.path)).map((file) => file.path),
    ).toEqual([]);
  });
});
