import type { SchemaError } from './generated/validators.js';
import type { Node } from './node.ts';

/** What is wrong at one place, after the alternatives that were not meant are dropped. */
export interface Finding {
  readonly path: readonly string[];
  /** A JSON Schema keyword, or `required-any`: none of several keys is there. */
  readonly keyword: string;
  /** Definition that was violated, without the keyword: `gitlab/script`. */
  readonly definition: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The value is one that nobody can judge yet (a reference): it fits, as far as we know. */
  readonly forgiven: boolean;
}

/** The parts of a JSON pointer. */
function pointerParts(pointer: string): string[] {
  if (pointer === '') return [];
  const parts = pointer.slice(1).split('/');
  return pointer.includes('~') ? parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')) : parts;
}

/** The node at `path`, or undefined; a reference on the way ends the walk and is the answer. */
export function nodeAt(root: Node, path: readonly string[]): Node | undefined {
  let node: Node | undefined = root;
  for (const part of path) {
    if (node?.kind === 'map') node = node.entries.get(part)?.value;
    else if (node?.kind === 'seq') node = node.items[Number(part)];
    else return node?.kind === 'reference' ? node : undefined;
  }
  return node;
}

/** A reference, or text with an input that is filled in later, may become anything. */
function isUndecided(node: Node | undefined): boolean {
  if (node?.kind === 'reference') return true;
  return node?.kind === 'scalar' && typeof node.value === 'string' && /\$\[\[|<</.test(node.value);
}

function toFinding(error: SchemaError, root: Node): Finding {
  const path = pointerParts(error.instancePath);
  const definition = error.schemaPath.slice(0, error.schemaPath.lastIndexOf('/'));
  const forgiven = isUndecided(nodeAt(root, path));
  return { path, keyword: error.keyword, definition, params: error.params, forgiven };
}

function isWithin(path: readonly string[], outer: readonly string[]): boolean {
  return path.length >= outer.length && outer.every((part, index) => part === path[index]);
}

/** Takes the findings that belong to the alternatives at `path` off the end of the list. */
function takeGroup(findings: Finding[], path: readonly string[]): Finding[] {
  let start = findings.length;
  while (start > 0 && isWithin(findings[start - 1]!.path, path)) start--;
  return findings.splice(start);
}

/** True when the alternative that the finding comes from is of the value's own kind, so that it was the one meant. */
function isMeant(finding: Finding, depth: number, value: Node | undefined): boolean {
  if (finding.path.length > depth) return true;
  if (finding.keyword === 'type') return false;
  // Every enum of ours is one of strings.
  if (finding.keyword === 'enum') return value?.kind === 'scalar' && typeof value.value === 'string';
  return true;
}

/**
 * `anyOf` over `required` alone ("one of these keys"): takes its branches off the end of the list and gives their
 * keys; gives none for any other `anyOf`.
 */
function takeRequired(findings: Finding[], whole: Finding): readonly unknown[] {
  const inside = `${whole.definition}/anyOf/`;
  const branches = new Set<string>();
  let start = findings.length;
  for (; start > 0; start--) {
    const { keyword, definition, path } = findings[start - 1]!;
    if (keyword !== 'required' || path.length !== whole.path.length) break;
    // Twice from one branch: that is a map of its own, which lacks two keys.
    if (!definition.startsWith(inside) || branches.has(definition)) break;
    branches.add(definition);
  }
  if (branches.size < 2) return [];
  return findings.splice(start).map((finding) => finding.params['missingProperty']);
}

/** None of the alternatives at a place fits: says what is wrong with the one that was meant. */
function chooseAlternative(whole: Finding, group: readonly Finding[], value: Node | undefined): readonly Finding[] {
  if (whole.forgiven) return [whole];
  const depth = whole.path.length;
  const meant = group.filter((finding) => isMeant(finding, depth, value));
  const told = meant.filter((finding) => !finding.forgiven);
  if (told.length > 0) return told;
  if (meant.length > 0) return [{ ...whole, forgiven: true }];
  const types = group.flatMap((finding) => finding.params['type'] ?? []);
  return [{ ...whole, keyword: 'type', params: { type: types } }];
}

/**
 * Turns what a validator reports (every failure of every alternative, the alternatives' own first, then that none
 * fits) into what is wrong with the value: each problem once.
 */
export function reduceErrors(errors: readonly SchemaError[], root: Node): Finding[] {
  const findings: Finding[] = [];
  for (const error of errors) {
    // Alternatives for a reference, which the value is not; and the frame of a condition, whose inside is told.
    if (error.schemaPath.startsWith('gitlab/reference/') || error.keyword === 'if') continue;
    const finding = toFinding(error, root);
    if (error.keyword !== 'anyOf') {
      findings.push(finding);
      continue;
    }
    const keys = takeRequired(findings, finding);
    if (keys.length > 0) findings.push({ ...finding, keyword: 'required-any', params: { keys } });
    else findings.push(...chooseAlternative(finding, takeGroup(findings, finding.path), nodeAt(root, finding.path)));
  }
  return findings.filter((finding) => !finding.forgiven);
}
