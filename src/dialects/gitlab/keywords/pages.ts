import type { Keyword } from '../keyword.ts';
import { invalidValue } from '../reading.ts';
import { runs, simulated } from '../support.ts';
import { kindOf, textField } from '../values.ts';
import { readExpiry } from './artifacts.ts';

/** What is said of the site that a job makes. */
export interface PagesSettings {
  readonly isSite: boolean;
  readonly publish?: string;
  readonly pathPrefix?: string;
  readonly expireInMs?: number;
}

/** Makes the job one whose artifacts hold a site; or says that it is none, though it is called `pages`. */
export const pages: Keyword<PagesSettings> = {
  name: 'pages',
  scopes: ['job'],
  support: simulated('the folder becomes an artifact and its path is shown; nothing is published'),
  parts: {
    ...runs('publish'),
    path_prefix: simulated('shown; nothing is published'),
    expire_in: simulated('checked; nothing is published'),
  },
  read: ({ value: node }, reading) => {
    if (node.kind === 'scalar' && typeof node.value === 'boolean') return { isSite: node.value };
    if (node.kind !== 'map') {
      invalidValue(reading, node.span, `\`pages\` must be true, false or a map, not ${kindOf(node)}`);
      return undefined;
    }
    const publish = textField(node, 'publish', 'pages:publish', reading);
    const pathPrefix = textField(node, 'path_prefix', 'pages:path_prefix', reading);
    const expireInMs = readExpiry(node, 'pages:expire_in', reading);
    return {
      isSite: node.entries.size > 0,
      ...(publish === undefined ? {} : { publish }),
      ...(pathPrefix === undefined ? {} : { pathPrefix }),
      ...(expireInMs === undefined ? {} : { expireInMs }),
    };
  },
};
