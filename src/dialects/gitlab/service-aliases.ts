import type { Span } from '../../diagnostics/diagnostic.ts';
import type { Node } from '../../syntax/node.ts';
import type { Reading } from './reading.ts';
import { field } from './values.ts';

/** The names in a service's `alias`. Source: https://docs.gitlab.com/ci/services/#available-settings-for-services */
export function splitAliases(text: string): readonly string[] {
  return text.split(/[,\s]+/).filter(Boolean);
}

/** Letters, digits, `-`, `_` and dots: what a resolver asks a name server for. */
const hostName = /^(?=.{1,253}$)(?:\w(?:[\w-]{0,61}\w)?)(?:\.\w(?:[\w-]{0,61}\w)?)*$/;

/**
 * Warns of aliases of one job's services by which nothing can be reached: no host's name, or another one's. Those with
 * variables are not looked at.
 */
export function checkAliases(services: readonly Node[], reading: Reading): void {
  const taken = new Map<string, Span | undefined>([['build', undefined]]);
  for (const service of services) {
    const value = field(service, 'alias')?.value;
    if (value?.kind !== 'scalar' || value.text.includes('$')) continue;
    for (const alias of new Set(splitAliases(value.text))) {
      if (!hostName.test(alias)) {
        const hint = 'letters, digits, `-`, `_` and dots make a name';
        tell(reading, value.span, `\`${alias}\` can't be the name of a host`, hint);
      } else if (taken.has(alias)) {
        const owner = taken.get(alias);
        const whose = owner === undefined ? "the name of the job's own container" : 'the alias of another service';
        tell(reading, value.span, `\`${alias}\` is ${whose}`, 'the first that has a name keeps it', owner);
      } else taken.set(alias, value.span);
    }
  }
}

function tell(reading: Reading, span: Span, message: string, hint: string, other?: Span): void {
  const related = other === undefined ? {} : { related: [{ message: 'it stands here too', span: other }] };
  reading.report({ code: 'gitlab/service-alias', severity: 'warning', message, hint, span, ...related });
}
