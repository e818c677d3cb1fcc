import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testEngine } from '../executors/support/engine.ts';
import { type CiResult, readEvents, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();

const executors = [
  { title: 'the shell', args: ['-e', 'shell'], image: '{ image: "ci-test/debian:latest" }', isMissing: false },
  {
    title: 'a container of root',
    args: [],
    image: '{ image: "ci-test/debian:latest" }',
    isMissing: engine === undefined,
  },
  {
    title: 'a container of an ordinary user',
    args: [],
    image: '{ image: "ci-test/busybox:latest", user: app }',
    isMissing: engine === undefined,
  },
];

const outputOf = ({ stdout }: CiResult, job: string): string =>
  readEvents(stdout)
    .filter((event) => event.type === 'job-output' && event.job === job && event['stream'] !== 'system')
    .map((event) => event['text'])
    .join('');

/** A directory of this machine below /tmp, as configurations name it; gone at the end. */
function sharedDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync('/tmp/ci-place-');
  rmSync(path, { recursive: true });
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function circleProject(jobs: string, requires: Readonly<Record<string, string>> = {}): TemporaryProject {
  const names = [...jobs.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name!);
  const entries = names.map((name) => `      - ${name}: { requires: [${requires[name] ?? ''}] }`);
  const text = `version: 2.1\njobs:\n${jobs}\nworkflows:\n  w:\n    jobs:\n${entries.join('\n')}\n`;
  return temporaryProject({ '.circleci/config.yml': text, file: 'source\n', 'sub/in': 'deep\n' });
}

const run = (project: TemporaryProject, args: readonly string[]) =>
  runCi(['run', '--reporter', 'json', ...args], { cwd: project.root, home: project.home });

/** Paths of artifacts of a run, with their content. */
function artifactsOf(project: TemporaryProject): Record<string, string> {
  const root = join(project.root, 'kept');
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(root.length + 1), readFileSync(path, 'utf8')];
    }),
  );
}

describe.each(executors)('a job of CircleCI in $title', ({ args, image, isMissing }) => {
  it.skipIf(isMissing)('lives in ~/project, with its files where its paths say', async () => {
    using shared = sharedDirectory();
    const { path: tmp } = shared;
    using project = circleProject(
      `
  make:
    docker: [${image}]
    steps:
      - run: echo "before=$(ls -A | wc -l) at=~\${PWD#"$HOME"} told=$CIRCLE_WORKING_DIRECTORY"
      - checkout
      - restore_cache: { keys: [c1-] }
      - run: |
          echo "sources=$(cat file) repository=$(ls -d .git)"
          echo "cached=$(cat ~/.npm/x ~/.cache/pip/y vendor/bundle/z 2>/dev/null | tr '\\n' ' ')"
          mkdir -p ~/.npm ~/.cache/pip vendor/bundle ${tmp}/ws/deep ~/results
          echo npm > ~/.npm/x; echo pip > ~/.cache/pip/y; echo bundle > vendor/bundle/z
          echo from-tmp > ${tmp}/ws/deep/t; echo art > ~/art
          echo '<testsuite><testcase name="a"/><testcase name="b"/></testsuite>' > ~/results/r.xml
      - run: { working_directory: sub, command: 'echo "relative=~\${PWD#"$HOME"}"' }
      - run: { working_directory: ~/project/sub, command: 'echo "home=~\${PWD#"$HOME"}"' }
      - run: { working_directory: ${tmp}/ws, command: 'echo "absolute=$PWD"' }
      - save_cache: { key: c1-a, paths: [~/.npm, ~/.cache/pip, vendor/bundle] }
      - persist_to_workspace: { root: ${tmp}/ws, paths: [deep] }
      - persist_to_workspace: { root: ~/, paths: [project/vendor, ~/art] }
      - persist_to_workspace: { root: ., paths: ['*.md', file] }
      - store_artifacts: { path: ~/art }
      - store_artifacts: { path: ${tmp}/ws, destination: out }
      - store_artifacts: { path: vendor }
      - store_test_results: { path: ~/results }
  use:
    docker: [${image}]
    working_directory: ~/other/place
    steps:
      - attach_workspace: { at: . }
      - attach_workspace: { at: ~/ }
      - attach_workspace: { at: ${tmp}/again }
      - run: |
          echo "at=~\${PWD#"$HOME"}"
          cat deep/t file ~/project/vendor/bundle/z ~/art ${tmp}/again/deep/t
          touch ~/mine ../mine ${tmp}/again/mine project/mine
`,
      { use: 'make' },
    );
    const first = await run(project, [...args, '--artifacts-dir', 'kept']);
    expect(first.exitCode, first.stdout + first.stderr).toBe(0);
    expect(outputOf(first, 'w/make')).toContain('before=0 at=~/project told=~/project\n');
    expect(outputOf(first, 'w/make')).toContain('sources=source repository=.git\ncached=\n');
    expect(outputOf(first, 'w/make')).toContain(`relative=~/project/sub\nhome=~/project/sub\nabsolute=${tmp}/ws\n`);
    expect(outputOf(first, 'w/use')).toContain('at=~/other/place\nfrom-tmp\nsource\nbundle\nart\nfrom-tmp\n');
    const kept = artifactsOf(project);
    expect(Object.values(kept)).toEqual(expect.arrayContaining(['art\n', 'from-tmp\n', 'bundle\n']));
    expect(Object.keys(kept).filter((path) => /home|root|tmp|\.\./.test(path))).toEqual([]);
    const made = readEvents(first.stdout).find((event) => event.type === 'job-finished' && event.job === 'w/make');
    expect(made).toMatchObject({ tests: { total: 2, failed: 0 } });
    const second = await run(project, args);
    expect(outputOf(second, 'w/make')).toContain('cached=npm pip bundle \n');
    expect(project.git('status', '--porcelain', '--', ':!kept')).toBe('');
  });

  it.skipIf(isMissing)('hands its repository on with the directory that it is in', async () => {
    using project = circleProject(
      `
  make:
    docker: [${image}]
    steps:
      - checkout
      - persist_to_workspace: { root: ~/, paths: [project] }
  use:
    docker: [${image}]
    steps:
      - attach_workspace: { at: ~/ }
      - run: ls -A; git log -1 --format=%s 2> /dev/null || cat .git/HEAD
`,
      { use: 'make' },
    );
    const result = await run(project, args);
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    const told = image.includes('debian') ? 'First commit' : 'ref: refs/heads/main';
    expect(outputOf(result, 'w/use')).toBe(`.circleci\n.git\nfile\nsub\n${told}\n`);
  });

  it.skipIf(isMissing)('may work anywhere, in a directory that is its own', async () => {
    using project = circleProject(`
  absolute:
    docker: [${image}]
    working_directory: /app/x
    steps:
      - checkout
      - run: echo "name=\${PWD##*/app/} told=\${CIRCLE_WORKING_DIRECTORY##*/app/}"; touch new /app/x/new 2>/dev/null || touch new; ls
      - persist_to_workspace: { root: /app/x, paths: [sub] }
  home:
    docker: [${image}]
    working_directory: ~/
    steps:
      - checkout: { path: deep/er }
      - attach_workspace: { at: /tmp/../home-of-nobody }
      - run: '[ "$PWD" = "$HOME" ]; ls deep/er; touch mine deep/mine deep/er/mine'
      - run: { command: cat in, working_directory: ~/deep/er/sub }
`);
    const result = await run(project, args);
    const { exitCode } = result;
    expect(outputOf(result, 'w/absolute')).toBe('name=x told=x\nfile\nnew\nsub\n');
    const home = outputOf(result, 'w/home');
    if (args.length > 0) {
      expect(result.stdout).toContain("the workspace can't be put into /home-of-nobody: it is this machine's");
      expect(existsSync('/home-of-nobody')).toBe(false);
      expect(exitCode).toBe(1);
    } else {
      expect(home).toBe('file\nsub\ndeep\n');
      expect(exitCode, result.stdout).toBe(0);
    }
  });

  it.skipIf(isMissing)('sees variables of CircleCI only, the nearest ones first', async () => {
    using project = circleProject(`
  see:
    docker: [${image.replace('}', ', environment: { ONE: container, TWO: container, THREE: container } }')}]
    environment: { TWO: job, THREE: job, CIRCLE_TAG: mine }
    steps:
      - run: { command: 'echo "$ONE $TWO $THREE"; env', environment: { THREE: step } }
      - run: 'echo "export FOUR=carried" >> "$BASH_ENV"; [ "$BASH_ENV" = "$CIRCLE_SHELL_ENV" ]'
  other:
    docker: [${image}]
    parallelism: 2
    steps: [run: 'echo "$CIRCLE_BUILD_NUM $CIRCLE_NODE_INDEX/$CIRCLE_NODE_TOTAL $CIRCLE_WORKFLOW_ID $CIRCLE_WORKFLOW_JOB_ID"']
`);
    project.git('remote', 'add', 'origin', 'https://github.com/acme/shop.git');
    const result = await run(project, args);
    expect(result.exitCode, result.stdout).toBe(0);
    const [order, ...lines] = outputOf(result, 'w/see').trim().split('\n');
    expect(order).toBe('container job step');
    const env = Object.fromEntries(lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
    const names = Object.keys(env);
    expect(names.filter((name) => /^(CI_(?!CLI_)|GITLAB)/.test(name))).toEqual([]);
    expect(env).toMatchObject({
      ...{ CI: 'true', CIRCLECI: 'true', CIRCLE_JOB: 'see', CIRCLE_BRANCH: 'main', CIRCLE_TAG: 'mine' },
      ...{ CIRCLE_SHA1: project.git('rev-parse', 'HEAD'), CIRCLE_REPOSITORY_URL: 'https://github.com/acme/shop.git' },
      ...{ CIRCLE_PROJECT_USERNAME: 'acme', CIRCLE_PROJECT_REPONAME: 'shop', CIRCLE_NODE_TOTAL: '1' },
      ...{ CIRCLE_NODE_INDEX: '0', CIRCLE_WORKING_DIRECTORY: '~/project' },
      CIRCLE_BUILD_URL: `https://circleci.com/gh/acme/shop/${env['CIRCLE_BUILD_NUM']}`,
      PWD: `${env['HOME']}/project`,
    });
    const copies = ['w/other 1/2', 'w/other 2/2'].map((id) => outputOf(result, id).trim().split(' '));
    expect(copies.map(([, nodes]) => nodes)).toEqual(['0/2', '1/2']);
    expect(new Set([env['CIRCLE_BUILD_NUM'], ...copies.map(([number]) => number)]).size).toBe(3);
    expect(copies[0]!.slice(2)).toEqual(copies[1]!.slice(2));
    expect(copies[0]![2]).toBe(env['CIRCLE_WORKFLOW_ID']);
    expect(copies[0]![3]).not.toBe(env['CIRCLE_WORKFLOW_JOB_ID']);
  });

  it.skipIf(isMissing)('lets somebody in where its sources and caches are', async () => {
    using project = circleProject(`
  look:
    docker: [${image}]
    steps:
      - run: touch from-a-step
      - checkout
      - run: mkdir ~/.npm; echo kept > ~/.npm/x; touch from-another
      - save_cache: { key: k, paths: [~/.npm] }
      - restore_cache: { key: k }
`);
    const result = await run(project, args);
    expect(result.exitCode, result.stdout).toBe(0);
    const words = ['sh', '-c', 'echo "~${PWD#"$HOME"}"; ls; cat ~/.npm/x'];
    const shell = await runCi(['shell', ...args, 'w/look', '--', ...words], { cwd: project.root, home: project.home });
    expect(shell.stdout, shell.stderr).toBe('~/project\nfile\nsub\nkept\n');
  });
});

describe('a job of CircleCI in the shell', () => {
  it.each(['copy', 'overlay'])('has its files above and in its directory with --isolation %s', async (isolation) => {
    using project = circleProject(
      `
  mix:
    machine: true
    steps:
      - run: mkdir -p ~/.cfg && echo home > ~/.cfg/x
      - checkout
      - run: cat ~/project/file; echo made > ~/project/sub/made; chmod -R a-w ~/.cfg sub
      - persist_to_workspace: { root: ~/, paths: [project/sub, .cfg] }
  last:
    machine: true
    steps:
      - checkout
      - attach_workspace: { at: ~/ }
      - run: cat sub/made sub/in ~/.cfg/x ~/project/file
`,
      { last: 'mix' },
    );
    const result = await run(project, ['--isolation', isolation]);
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    expect(outputOf(result, 'w/last')).toBe('made\ndeep\nhome\nsource\n');
    expect(project.git('status', '--porcelain')).toBe('');
  });

  it('in place works in the tree, with a home of its own', async () => {
    using project = circleProject(`
  own:
    machine: true
    steps:
      - checkout
      - restore_cache: { keys: [k-] }
      - run: |
          echo "in=$PWD told=$CIRCLE_WORKING_DIRECTORY home=$(ls -A ~ | tr '\\n' ' ') \${XDG_CONFIG_HOME-none}"
          echo left > left; mkdir -p ~/.npm; echo cached > ~/.npm/x; cmp left ~/project/left
      - run: { command: pwd -P, working_directory: ~/project/sub }
      - save_cache: { key: k-1, paths: [~/.npm, sub] }
`);
    const options = { cwd: project.root, home: project.home, env: { XDG_CONFIG_HOME: '/nowhere', HOME: project.home } };
    const start = () => runCi(['run', '--reporter', 'json', '--in-place'], options);
    const first = await start();
    expect(first.exitCode, first.stdout + first.stderr).toBe(0);
    const at = `in=${project.root} told=${project.root}`;
    expect(outputOf(first, 'w/own')).toBe(`${at} home=project  none\n${project.root}/sub\n`);
    expect(readFileSync(join(project.root, 'left'), 'utf8')).toBe('left\n');
    expect(outputOf(await start(), 'w/own')).toContain(`${at} home=.npm project  none\n`);
    expect(existsSync(join(project.home, '.npm'))).toBe(false);
    expect(project.git('status', '--porcelain')).toBe('?? left');
  });

  it('neither keeps nor brings back what is not its own, and says so', async () => {
    using project = circleProject(`
  keep:
    machine: true
    steps:
      - save_cache: { key: k-1, paths: [/usr/share/doc, ~/../x, nothing] }
`);
    const result = await run(project, []);
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    expect(result.stdout).toContain("/usr/share/doc: not cached, since it is this machine's and not the job's");
    expect(result.stdout).toContain('Nothing to cache');
  });
});

describe.skipIf(engine === undefined)('a container beside the first of a job of CircleCI', () => {
  it('sees the variables that stand with it, and none of the job', async () => {
    using project = circleProject(`
  serve:
    docker:
      - image: ci-test/busybox:latest
      - image: ci-test/busybox:latest
        environment: { OWN: variable }
        command: [sh, -c, 'mkdir /www; env > /www/env; httpd -f -p 8080 -h /www']
    environment: { OF_THE: job }
    steps:
      - run: 'for i in $(seq 100); do wget -qO- localhost:8080/env && exit; sleep 0.1; done'
`);
    const result = await run(project, []);
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    const seen = outputOf(result, 'w/serve');
    expect(seen).toContain('OWN=variable\n');
    expect(seen).not.toMatch(/^(CI|CIRCLE|GITLAB|OF_THE|BASH_ENV)/m);
  });
});

describe.skipIf(engine === undefined)('a job of CircleCI in a container that is read-only', () => {
  it('has its home where it may be written to', async () => {
    using project = circleProject(`
  closed:
    docker: [{ image: "ci-test/busybox:latest", user: app }]
    steps:
      - checkout
      - run: pwd; cat file; echo x > ~/x; touch new; [ "$HOME/project" = "$PWD" ]
      - save_cache: { key: k, paths: [~/x] }
`);
    const config = join(project.home, 'config');
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, 'config.toml'), '[docker]\nread_only = true\n');
    const result = await run(project, []);
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    expect(outputOf(result, 'w/closed')).toBe('/builds/home/project\nsource\n');
  });
});
