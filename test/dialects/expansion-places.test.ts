import { describe, expect, it } from 'vitest';
import type { Surroundings } from '../support/compile-text.ts';
import { type SeenRow, seeRow } from './rows/see-row.ts';

/**
 * Where GitLab's server expands variables, and where it does not.
 * Source: https://docs.gitlab.com/ci/variables/where_variables_can_be_used/
 */
const variables =
  'variables: { OUTER: "<$INNER>", INNER: in, SELF: "$SELF", RAW: { value: "$INNER", expand: false } }\n';
const text = '$OUTER ${INNER} $RAW $NONE $$';

interface Place {
  readonly title: string;
  readonly text: string;
  readonly more?: Surroundings;
  readonly read: (seen: SeenRow) => unknown;
  readonly expected: unknown;
}

const decision = ({ planned }: SeenRow) => planned?.value?.decisions.find(({ name }) => name === 'a');
const node = ({ planned }: SeenRow) => planned?.value?.nodes.find(({ id }) => id === 'a');
const variable = (name: string) => (seen: SeenRow) =>
  node(seen)?.variables.belowDotenv.find((one) => one.name === name)?.value;

const places: readonly Place[] = [
  {
    title: 'workflow:name: yes, nested',
    text: `workflow: { name: "${text}" }\na: { script: [x] }\n`,
    read: ({ planned }) => planned?.value?.name,
    expected: '<in> in $INNER  $',
  },
  {
    title: 'environment:name: yes, nested',
    text: `a: { script: [x], environment: { name: "e/$OUTER/$RAW" } }\n`,
    read: variable('CI_ENVIRONMENT_NAME'),
    expected: 'e/<in>/$INNER',
  },
  {
    title: 'environment:url: when the job has run',
    text: `a: { script: [x], environment: { name: e, url: "https://$INNER" } }\n`,
    read: variable('CI_ENVIRONMENT_URL'),
    expected: 'https://$INNER',
  },
  {
    title: 'resource_group: yes, nested',
    text: `a: { script: [x], resource_group: "g/$OUTER" }\n`,
    read: (seen) => node(seen)?.resourceGroup,
    expected: 'g/<in>',
  },
  {
    title: 'image: yes, nested',
    text: `a: { script: [x], image: "r/$INNER:$OUTER" }\n`,
    read: (seen) => decision(seen)?.image,
    expected: 'r/in:<in>',
  },
  {
    title: 'rules:if: no, neither in values nor in texts',
    text: `a: { script: [x], rules: [{ if: '$OUTER == "<$INNER>" && "$INNER" != "in"' }] }\n`,
    read: (seen) => decision(seen)?.included,
    expected: true,
  },
  {
    title: 'only:variables: no',
    text: `a: { script: [x], only: { variables: ['$OUTER == "<in>"'] } }\n`,
    read: (seen) => decision(seen)?.included,
    expected: false,
  },
  {
    title: 'rules:changes: yes, nested',
    text: `a: { script: [x], rules: [{ changes: ["$OUTER/f"] }] }\n`,
    more: { changed: ['<in>/f'] },
    read: (seen) => decision(seen)?.included,
    expected: true,
  },
  {
    title: 'rules:changes: what is not known stays',
    text: `a: { script: [x], rules: [{ changes: ["$NONE/f"] }] }\n`,
    more: { changed: ['$NONE/f'] },
    read: (seen) => decision(seen)?.included,
    expected: true,
  },
  {
    title: 'rules:exists: yes, nested',
    text: `a: { script: [x], rules: [{ exists: ["$OUTER/f"] }] }\n`,
    more: { files: { '<in>/f': '' } },
    read: (seen) => decision(seen)?.included,
    expected: true,
  },
  {
    title: 'job names, stages and needs: no',
    text: `stages: ["$INNER"]\na: { stage: "$INNER", script: [x] }\n`,
    read: (seen) => node(seen)?.stage,
    expected: '$INNER',
  },
  {
    title: 'parallel:matrix: the values are variables like others',
    text: `a: { script: [x], parallel: { matrix: [{ M: "$INNER" }] } }\n`,
    read: ({ planned }) => planned?.value?.nodes[0]?.name,
    expected: 'a: [$INNER]',
  },
  {
    // A file whose name needs a variable of the file is not read, with a warning.
    title: 'include:local: yes, but no variable of the file',
    text: 'include: ["$DIR/b.yml", "$DIR/$INNER.yml"]\na: { script: [x] }\n',
    more: {
      variables: { DIR: 'ci' },
      files: { 'ci/b.yml': 'b: { script: [x] }\n', 'ci/.yml': 'c: { script: [x] }\n' },
    },
    read: ({ planned }) => planned?.value?.nodes.map(({ id }) => id).sort(),
    expected: ['a', 'b'],
  },
  {
    title: 'include:rules:if: no variable of the file',
    text: 'include: [{ local: b.yml, rules: [{ if: $INNER }] }, { local: c.yml, rules: [{ if: $DIR == "ci" }] }]\na: { script: [x] }\n',
    more: { variables: { DIR: 'ci' }, files: { 'b.yml': 'b: { script: [x] }\n', 'c.yml': 'c: { script: [x] }\n' } },
    read: ({ planned }) => planned?.value?.nodes.map(({ id }) => id).sort(),
    expected: ['a', 'c'],
  },
];

describe('variables are expanded', () => {
  it.each(places)('in $title', async ({ text: rest, more, read, expected }) => {
    const seen = await seeRow({ text: variables + rest, ...more });
    expect(seen.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(read(seen)).toEqual(expected);
  });
});
