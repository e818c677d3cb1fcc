import type { MapEntry, MapNode } from '../../syntax/node.ts';
import { didYouMean } from '../../util/nearest.ts';
import { checkCommand, checkExecutor, checkJob } from './check-bodies.ts';
import { checkTags } from './check-tags.ts';
import { checkGroup, checkWorkflow } from './check-workflow.ts';
import type { Namespace } from './elements.ts';
import { language } from './language.ts';
import { entriesOf, field, type Reading } from './reading.ts';
import type { Scope } from './scope.ts';

/**
 * Tells what is wrong with a file as it is written, whether something uses it or not. What was told when it was
 * expanded is not told again.
 */
export function checkFile(root: MapNode, namespace: Namespace, scope: Scope, reading: Reading): void {
  const isOld = scope.isLiteral === true;
  checkTop(root, reading);
  checkElements(root, namespace, scope, reading);
  for (const each of entriesOf(field(root, 'orbs')?.value)) {
    const orb = namespace.orbs.get(each.key);
    if (each.value.kind !== 'map' || orb === undefined || 'kind' in orb) continue;
    checkElements(each.value, orb, scope, reading);
  }
  for (const each of entriesOf(field(root, 'workflows')?.value)) {
    if (each.value.kind === 'map') checkWorkflow(each, { home: namespace, reading }, isOld);
  }
  for (const each of entriesOf(field(root, 'job-groups')?.value)) {
    checkGroup(each, { home: namespace, reading }, isOld);
  }
}

function checkElements(source: MapNode, home: Namespace, scope: Scope, reading: Reading): void {
  const place = { home, reading };
  for (const each of entriesOf(field(source, 'commands')?.value)) checkCommand(each, place);
  for (const each of entriesOf(field(source, 'executors')?.value)) checkExecutor(each, reading);
  for (const each of entriesOf(field(source, 'jobs')?.value)) checkJob(each, place, scope.isLiteral === true);
  if (scope.isLiteral) return;
  for (const kind of ['command', 'executor', 'job'] as const) {
    for (const element of home.elements[kind].values()) checkTags(element, kind, scope, reading);
  }
}

/** A key at the top may hold anchors, whatever it is called; only what looks like a slip is told. */
function checkTop(root: MapNode, reading: Reading): void {
  const known = Object.keys(language.file);
  for (const each of root.entries.values()) {
    if (Object.hasOwn(language.file, each.key) || holdsAnchors(each, reading)) continue;
    const missing = known.filter((key) => !root.entries.has(key));
    const hint = didYouMean(each.key, missing);
    if (hint === undefined) continue;
    const message = `the file has no key \`${each.key}\``;
    reading.report({ code: 'circle/unknown-key', severity: 'warning', message, span: each.keySpan, hint });
  }
}

function holdsAnchors({ keySpan, value }: MapEntry, { sources }: Reading): boolean {
  const text = sources?.get(keySpan.file)?.slice(keySpan.end, value.span.end) ?? '';
  return /(?:^|[\s:[{,-])&[^\s&]/.test(text);
}
