import { expect } from 'vitest';
import { expectValues, valuesIn } from './job-values.ts';
import type { Row } from './row-cases.ts';

const job = 'a: { script: [make] }\n';

const global = 'variables: { A: global }\n';
const withWorkflow = 'workflow: { rules: [{ variables: { A: workflow } }] }\n';

/** Variables of the file, and where they come from. */
export const rows: readonly Row[] = [
  {
    row: 'global/variables',
    passes: [
      {
        text: `variables: { S: text, N: 1.50, O: 0755, B: true, NIL: null, E: "" }\n${job}`,
        check: expectValues({ S: 'text', N: '1.5', O: '493', B: 'true', NIL: '', E: '' }),
      },
    ],
    refuses: [
      { text: `variables: [A]\n${job}`, code: 'schema/wrong-type', line: 1 },
      { text: `variables:\n  A: [1]\n${job}`, code: 'schema/wrong-type', line: 2 },
    ],
  },
  {
    row: 'global/variables:value',
    passes: [{ text: `variables: { A: { value: x } }\n${job}`, check: expectValues({ A: 'x' }) }],
    refuses: [{ text: `variables:\n  A: { value: [x] }\n${job}`, code: 'schema/wrong-type', line: 2 }],
  },
  {
    row: 'global/variables:description',
    passes: [
      {
        text: `variables: { A: { value: x, description: what it is } }\n${job}`,
        pipeline: { variables: [{ name: 'A', description: 'what it is' }] },
      },
    ],
    refuses: [
      { text: `variables:\n  A: { value: x, description: [y] }\n${job}`, code: 'schema/wrong-type', line: 2 },
      {
        text: `a:\n  script: [make]\n  variables: { A: { value: x, description: y } }\n`,
        code: 'schema/unknown-key',
        line: 3,
      },
    ],
  },
  {
    row: 'global/variables:options',
    passes: [{ text: `variables: { A: { value: x, options: [x, y] } }\n${job}`, check: expectValues({ A: 'x' }) }],
    refuses: [
      { text: `variables:\n  A: { value: z, options: [x, y] }\n${job}`, code: 'gitlab/variable-options', line: 2 },
    ],
  },
  {
    row: 'global/variables:expand',
    passes: [
      {
        text: `variables: { B: b, A: { value: "$B", expand: false }, C: { value: "$B", expand: true } }\n${job}`,
        check: expectValues({ A: '$B', C: 'b' }),
      },
    ],
    refuses: [{ text: `variables:\n  A: { value: x, expand: perhaps }\n${job}`, code: 'schema/wrong-type', line: 2 }],
  },
  {
    row: 'job/variables',
    passes: [
      { text: `${global}a: { variables: { A: own }, script: [make] }\n`, check: expectValues({ A: 'own' }) },
      { text: `${global}a: { variables: {}, script: [make] }\n`, check: expectValues({ A: 'global' }) },
    ],
    refuses: [{ text: 'a:\n  script: [make]\n  variables: { A: [x] }\n', code: 'schema/wrong-type', line: 3 }],
  },
  {
    row: 'job/variables:value',
    passes: [{ text: 'a: { variables: { A: { value: x } }, script: [make] }\n', check: expectValues({ A: 'x' }) }],
    refuses: [{ text: 'a:\n  script: [make]\n  variables: { A: { is: x } }\n', code: 'schema/unknown-key', line: 3 }],
  },
  {
    row: 'job/variables:expand',
    passes: [
      {
        text: 'a: { variables: { B: b, A: { value: "$B", expand: false } }, script: [make] }\n',
        check: expectValues({ A: '$B' }),
      },
    ],
    refuses: [
      {
        text: 'a:\n  script: [make]\n  variables: { A: { value: x, expand: 1 } }\n',
        code: 'schema/wrong-type',
        line: 3,
      },
    ],
  },
  {
    row: 'variables/precedence',
    passes: [
      { text: `${global}${job}`, variables: { A: 'predefined' }, check: expectValues({ A: 'global' }) },
      { text: `${global}${withWorkflow}${job}`, check: expectValues({ A: 'workflow' }) },
      {
        text: `${global}a: { variables: { A: own }, rules: [{ variables: { A: rule } }], script: [make] }\n`,
        check: expectValues({ A: 'rule' }),
      },
      { text: `${global}${job}`, check: expectValues({ A: 'dotenv' }, { A: 'dotenv' }) },
      {
        text: `${global}${job}`,
        projectVariables: { A: 'project' },
        check: expectValues({ A: 'project' }, { A: 'dotenv' }),
      },
      {
        text: `${global}${job}`,
        projectVariables: { A: 'project' },
        pipelineVariables: { A: 'pipeline' },
        check: expectValues({ A: 'pipeline' }),
      },
    ],
    refuses: { none: 'every level may set every variable' },
  },
  {
    row: 'variables/expansion',
    passes: [
      {
        text: `variables: { A: "$B-\${C}", B: "<$C>", C: c, D: "$$C", E: "$E:x", F: "$G", G: "$F", H: "[$NONE]" }\n${job}`,
        check: expectValues({ A: '<c>-c', D: '$C', E: '$E:x', F: '$G', G: '$F', H: '[]' }),
        warns: ['plan/variable-cycle'],
      },
    ],
    refuses: { none: 'what can not be expanded stays as it is; a circle gives a warning' },
  },
  {
    row: 'variables/raw',
    passes: [
      {
        text: `variables: { B: b, RAW: { value: "$B", expand: false }, A: "<$RAW>" }\n${job}`,
        check: expectValues({ RAW: '$B', A: '<$B>' }),
      },
    ],
    refuses: [{ text: `variables:\n  A: { value: x, expand: "no" }\n${job}`, code: 'schema/wrong-type', line: 2 }],
  },
  {
    row: 'variables/predefined',
    passes: [
      {
        text: 'a: { script: [make], parallel: 2, environment: review/$CI_COMMIT_BRANCH }\n',
        ids: ['a 1/2', 'a 2/2'],
        check: (all) => {
          const values = valuesIn(all, 'a 2/2');
          expect([values.get('CI_NODE_INDEX'), values.get('CI_NODE_TOTAL')]).toEqual(['2', '2']);
          expect(values.get('CI_JOB_NAME')).toBe('a 2/2');
          expect(values.get('CI_ENVIRONMENT_NAME')).toBe('review/main');
        },
      },
    ],
    refuses: { none: 'a file may set them; see `docs/predefined-variables.md` for each' },
  },
];
