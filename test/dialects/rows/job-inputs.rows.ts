import type { Row } from './row-cases.ts';

const withInputs = (inputs: string): string => `a:\n  script: ['echo $\{{ job.inputs.speed }}']\n  inputs: ${inputs}\n`;

/** What somebody who starts a job by hand may choose. */
export const rows: readonly Row[] = [
  {
    row: 'job/inputs',
    passes: [
      {
        text: withInputs('{ speed: { type: string, default: fast, options: [fast, slow], description: how fast } }'),
        warns: ['gitlab/not-run-yet'],
      },
    ],
    refuses: [
      { text: withInputs('{ speed: { type: string } }'), code: 'schema/missing-key', line: 3 },
      { text: withInputs('{ speed: { type: number, default: fast } }'), code: 'schema/wrong-type', line: 3 },
      { text: withInputs('{ speed: { type: map, default: {} } }'), code: 'schema/not-allowed-value', line: 3 },
      { text: withInputs('[speed]'), code: 'schema/wrong-type', line: 3 },
    ],
  },
  {
    row: 'job/inputs:interpolation',
    passes: [{ text: withInputs('{ speed: { default: fast } }'), warns: ['gitlab/not-run-yet'] }],
    refuses: { none: 'the script is handed to the shell as it is written' },
  },
];
