import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readEvents, runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const file = `
variables:
  INNER: in
  OUTER: <$INNER>
  SELF: $SELF:x
  RAW: { value: $INNER, expand: false }
  VIA_RAW: ($RAW)
  DOLLAR: $$INNER
  UNKNOWN: "[$NONE]"
  PERCENT: "%INNER%"
  CYCLE_A: $CYCLE_B
  CYCLE_B: $CYCLE_A
  LEFT: file

produce:
  stage: build
  variables: { NAME: n-$INNER }
  script:
    - mkdir -p $NAME
    - echo "$OUTER|$SELF|$RAW|$VIA_RAW|$DOLLAR|$UNKNOWN|$PERCENT|$CYCLE_A" > $NAME/values.txt
    - echo 'LEFT=left by $INNER' > $NAME.env
    - echo keep > $NAME/kept; echo drop > $NAME/dropped
  artifacts:
    name: $NAME-$CI_JOB_STAGE
    paths: [$NAME]
    exclude: [$NAME/dropped]
    reports: { dotenv: $NAME.env }
  cache: { key: k-$NAME, paths: [$NAME] }
  after_script: ['echo "after $NAME"']

consume:
  needs: [produce]
  variables: { USES: "<$LEFT>" }
  script:
    - cat n-in/values.txt; ls n-in; echo "$LEFT|$USES|$OUTER"
`;

it('expands variables once in each place, as a server and its runner do', async () => {
  using project = temporaryProject({ '.gitlab-ci.yml': file });
  const artifacts = join(project.home, 'out');
  const result = await runCi(
    ['run', '--reporter', 'json', '--var', 'OUTER=given $INNER', '--artifacts-dir', artifacts],
    {
      cwd: project.root,
      home: project.home,
    },
  );
  expect(result.exitCode, result.stderr + result.stdout).toBe(0);
  const events = readEvents(result.stdout);
  const output = (job: string): string =>
    events.flatMap((event) => (event.type === 'job-output' && event.job === job ? [event['text']] : [])).join('');
  const lines = output('consume').split('\n');
  expect(lines).toContain('given in|$SELF:x|$INNER|($INNER)|$INNER|[]|%INNER%|$CYCLE_B');
  expect(lines).toContain('kept');
  expect(lines).not.toContain('dropped');
  expect(lines).toContain('left by $INNER|<left by $INNER>|given in');
  expect(output('produce')).toContain('after n-in');
  expect(readdirSync(artifacts, { recursive: true }).map(String)).toContainEqual(expect.stringContaining('values.txt'));
});

it.each<readonly [readonly string[], string]>([
  [[], 'push main - -'],
  [['--branch', 'topic'], 'push topic - -'],
  [['--event', 'tag', '--tag', 'v1'], 'push - v1 -'],
  [['--event', 'merge_request', '--branch', 'topic'], 'merge_request_event - - topic>main'],
  [['--event', 'schedule'], 'schedule main - -'],
  [['--event', 'web'], 'web main - -'],
  [['--event', 'api'], 'api main - -'],
  [['--event', 'trigger'], 'trigger main - -'],
])('gives jobs and rules one family of variables: %j', async (args, expected) => {
  using project = temporaryProject({
    '.gitlab-ci.yml': `show:
  rules: [{ if: $CI_PIPELINE_SOURCE }]
  script: 'echo "got $CI_PIPELINE_SOURCE \${CI_COMMIT_BRANCH:--} \${CI_COMMIT_TAG:--} \${CI_MERGE_REQUEST_SOURCE_BRANCH_NAME:+$CI_MERGE_REQUEST_SOURCE_BRANCH_NAME>$CI_MERGE_REQUEST_TARGET_BRANCH_NAME}"'
`,
  });
  const result = await runCi(['run', '--reporter', 'plain', ...args], { cwd: project.root, home: project.home });
  expect(result.exitCode, result.stderr + result.stdout).toBe(0);
  expect(result.stdout.replace(/ $/gm, '')).toContain(`got ${expected.replace(/ -$/, '')}`);
});
