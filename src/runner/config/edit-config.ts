import { parse, stringify, type TomlTable, type TomlValue } from 'smol-toml';
import { sameKey } from './toml-fields.ts';
import { beginningLines } from './toml-lines.ts';

/** Texts, numbers, booleans, dates, lists and tables of them. */
export type ConfigTable = Readonly<Record<string, unknown>>;

/** A change to the list of `[[runners]]`. */
export type ConfigEdit =
  | { readonly kind: 'add'; readonly runner: ConfigTable }
  /** Sets keys of the runner's own table; `index` from 0. */
  | { readonly kind: 'set'; readonly index: number; readonly values: ConfigTable }
  | { readonly kind: 'remove'; readonly index: number };

/** How a new file begins: who looks for more jobs at once finds it there. */
const firstLines = 'concurrent = 1 # jobs at once, of all runners together\n';

/**
 * Applies a change to the text of a file. All that the change does not touch stays as it was written, comments too; only
 * a file that is written in an unusual way (runners as inline tables) is written anew.
 * @param text a valid TOML document; a new file begins as GitLab Runner's, with `concurrent`.
 */
export function editConfig(text: string, edit: ConfigEdit): string {
  const before = text.trim() === '' && edit.kind === 'add' ? firstLines : text;
  const wanted = applied(parse(before), edit);
  const edited = editedText(before, edit);
  return edited !== undefined && same(edited, wanted) ? edited : written(wanted);
}

/** As GitLab Runner writes times: without milliseconds where there are none. */
function written(values: ConfigTable): string {
  return stringify(values).replace(/^([\w-]+ = [\d-]+T[\d:]+)\.000Z$/gm, '$1Z');
}

function applied(document: TomlTable, edit: ConfigEdit): TomlTable {
  const key = sameKey(document, 'runners') ?? 'runners';
  const runners = Array.isArray(document[key]) ? (document[key] as TomlTable[]) : [];
  if (edit.kind === 'add') return { ...document, [key]: [...runners, edit.runner as TomlTable] };
  if (edit.kind === 'set') {
    return { ...document, [key]: runners.map((one, at) => (at === edit.index ? withKeys(one, edit.values) : one)) };
  }
  const left = runners.filter((_, at) => at !== edit.index);
  const { [key]: _, ...rest } = document;
  return left.length === 0 ? rest : { ...document, [key]: left };
}

/** A key that stands there in other letters goes. */
function withKeys(table: TomlTable, values: ConfigTable): TomlTable {
  const kept = Object.entries(table).filter(([key]) => sameKey(values, key) === undefined);
  return { ...Object.fromEntries(kept), ...(values as TomlTable) };
}

function same(text: string, wanted: TomlTable): boolean {
  try {
    return JSON.stringify(sorted(parse(text))) === JSON.stringify(sorted(wanted));
  } catch {
    return false;
  }
}

/** Tables with their keys in order, so that two that say the same are written the same. */
function sorted(value: TomlValue): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key]!)]),
  );
}

function editedText(text: string, edit: ConfigEdit): string | undefined {
  if (edit.kind === 'add') {
    const added = `\n${written({ runners: [edit.runner] })}`;
    const below = text === '' ? added.slice(1) : text.endsWith('\n') ? added : `\n${added}`;
    return `${text}${isOfWindows(text) ? below.replaceAll('\n', '\r\n') : below}`;
  }
  const lines = text.split('\n');
  const block = runnerBlocks(lines)[edit.index];
  if (block === undefined) return undefined;
  if (edit.kind === 'remove') return [...lines.slice(0, block.start), ...lines.slice(block.end)].join('\n');
  return withValues(lines, block, edit.values).join('\n');
}

/** Does each line end as Windows ends them? */
function isOfWindows(text: string): boolean {
  return text.includes('\r\n') && !/[^\r]\n|^\n/.test(text);
}

interface Block {
  /** Line of the header, or of the comment just above it. */
  readonly start: number;
  readonly header: number;
  /** The first line that is no longer of this runner. */
  readonly end: number;
}

const tableHeader = /^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$/;

/** Where each `[[runners]]` is, with its tables below. */
function runnerBlocks(lines: readonly string[]): readonly Block[] {
  const begins = beginningLines(lines);
  const headers = lines.flatMap((line, at) => {
    const name = tableHeader.exec(line)?.[1];
    return name === undefined || !begins[at]
      ? []
      : [{ at, isRunner: /^\s*\[\[/.test(line) && name === 'runners', name }];
  });
  return headers.flatMap(({ at, isRunner }, place) => {
    if (!isRunner) return [];
    const next = headers.slice(place + 1).find(({ name }) => name === 'runners' || !name.startsWith('runners.'));
    return {
      start: commentAbove(lines, at),
      header: at,
      end: next === undefined ? lines.length : commentAbove(lines, next.at),
    };
  });
}

/** The first line of the comment that stands just above a line. */
function commentAbove(lines: readonly string[], at: number): number {
  let start = at;
  while (start > 0 && /^\s*#/.test(lines[start - 1]!)) start -= 1;
  return start;
}

/** Replaces the lines of the keys, or adds them below the header. */
function withValues(lines: readonly string[], block: Block, values: ConfigTable): readonly string[] {
  const begins = beginningLines(lines);
  const isHeader = (line: string, at: number): boolean => begins[at] === true && tableHeader.test(line);
  const ownEnd = lines.findIndex((line, at) => at > block.header && at < block.end && isHeader(line, at));
  const last = ownEnd === -1 ? block.end : ownEnd;
  const windows = lines[block.header]!.endsWith('\r') ? '\r' : '';
  const own = lines.slice(block.header + 1, last);
  const indent = /^\s*/.exec(own.find((line) => line.trim() !== '') ?? '')![0];
  const missing: string[] = [];
  for (const [key, value] of Object.entries(values)) {
    const line = written({ [key]: value }).trimEnd();
    const isKey = new RegExp(`^\\s*${key}\\s*=`, 'i');
    const at = own.findIndex((line, at) => begins[block.header + 1 + at] && isKey.test(line));
    if (at === -1) missing.push(`${indent}${line}${windows}`);
    else own[at] = `${/^\s*/.exec(own[at]!)![0]}${line}${restOf(own[at]!)}`;
  }
  const filled = own.findLastIndex((line) => line.trim() !== '');
  return [
    ...lines.slice(0, block.header + 1),
    ...own.slice(0, filled + 1),
    ...missing,
    ...own.slice(filled + 1),
    ...lines.slice(last),
  ];
}

/** What is behind a value on one line; the result is checked as a whole, so a `#` inside a text does no harm. */
function restOf(line: string): string {
  const found = /^[^#"']*=\s*(?:"[^"]*"|'[^']*'|[^#"'\r]*?)(\s*#[^\r]*)?[^\S\r]*(\r?)$/.exec(line);
  return found === null ? '' : `${found[1] ?? ''}${found[2]}`;
}
