import { expect } from 'vitest';
import type { RowId } from './catalogue.ts';
import { expectValues } from './job-values.ts';
import type { NoCase, Row } from './row-cases.ts';

const job = 'a: { script: [make] }\n';
const anyText: NoCase = { none: 'a variable may hold any text' };

/** A variable that tells a runner something: it reaches the job as it is written. */
function setting(row: RowId, name: string, value: string): Row {
  return {
    row,
    passes: [{ text: `variables: { ${name}: "${value}" }\n${job}`, check: expectValues({ [name]: value }) }],
    refuses: anyText,
  };
}

/** Variables that come from elsewhere than the file, and those that mean something to a runner. */
export const rows: readonly Row[] = [
  {
    row: 'variables/dotenv',
    passes: [
      {
        text: 'b: { stage: build, script: [make], artifacts: { reports: { dotenv: out.env } } }\na: { variables: { A: file, B: "<$A>" }, script: [make] }\n',
        check: expectValues({ A: 'left by $b', B: '<left by $b>' }, { A: 'left by $b' }),
      },
    ],
    refuses: [
      {
        text: 'a:\n  script: [make]\n  artifacts:\n    reports: { dotenv: { path: x } }\n',
        code: 'schema/wrong-type',
        line: 4,
      },
    ],
  },
  {
    row: 'variables/file',
    passes: [
      {
        text: job,
        projectVariables: { KEY: { value: 'secret $HOME', file: true } },
        check: ({ node }) =>
          expect(node('a').variables.aboveDotenv).toContainEqual({ name: 'KEY', value: 'secret $HOME', file: true }),
      },
    ],
    refuses: [{ text: `variables:\n  A: { value: x, file: true }\n${job}`, code: 'schema/unknown-key', line: 2 }],
  },
  {
    row: 'variables/masked',
    passes: [
      {
        text: `a: { rules: [{ if: $KEY == "open sesame" }], script: [make] }\n`,
        projectVariables: { KEY: { value: 'open sesame', masked: true } },
        check: ({ node, decision }) => {
          expect(node('a').variables.aboveDotenv).toContainEqual({ name: 'KEY', value: 'open sesame', masked: true });
          // Where rules are told, the value is not.
          expect(decision('a').rules[0]?.clauses[0]?.values).toEqual(['$KEY = [MASKED]']);
        },
      },
    ],
    refuses: [{ text: `variables:\n  A: { value: x, masked: true }\n${job}`, code: 'schema/unknown-key', line: 2 }],
  },
  setting('variables/GIT_STRATEGY', 'GIT_STRATEGY', 'none'),
  setting('variables/GIT_DEPTH', 'GIT_DEPTH', '20'),
  setting('variables/GIT_SUBMODULE_STRATEGY', 'GIT_SUBMODULE_STRATEGY', 'recursive'),
  setting('variables/GIT_CLEAN_FLAGS', 'GIT_CLEAN_FLAGS', '-ffdx -e cache/'),
  setting('variables/GIT_CHECKOUT', 'GIT_CHECKOUT', 'false'),
  setting('variables/GIT_CLONE_PATH', 'GIT_CLONE_PATH', '/builds/elsewhere'),
  setting('variables/ATTEMPTS', 'GET_SOURCES_ATTEMPTS', '3'),
  setting('variables/FF', 'FF_USE_FASTZIP', 'true'),
  setting('variables/CI_DEBUG_TRACE', 'CI_DEBUG_TRACE', 'true'),
  setting('variables/CI_DEBUG_SERVICES', 'CI_DEBUG_SERVICES', 'true'),
  setting('variables/COMPRESSION_LEVEL', 'ARTIFACT_COMPRESSION_LEVEL', 'fastest'),
];
