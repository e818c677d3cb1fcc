// Writes the generated pages of docs/: the .ci.yml reference from its schema, the command line from commander, the
// diagnostics from their table. `node scripts/docs.mjs --check` only tells whether they are up to date.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Imports a TypeScript module of src/. */
async function load(entry) {
  const directory = await mkdtemp(join(root, 'node_modules/.docs-'));
  try {
    const outfile = join(directory, 'module.mjs');
    await build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      external: ['./commands/*'],
      logLevel: 'warning',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const generated = (from) => `<!-- Generated from ${from} by \`npm run docs\`. Do not edit. -->\n`;
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** The command itself, or those below it, each with its full name. */
function runnable(command) {
  const below = command.commands.flatMap(runnable);
  if (below.length === 0) return [{ command, name: command.name() }];
  return below.map((one) => ({ ...one, name: `${command.name()} ${one.name}` }));
}

async function commandLinePage() {
  const { createProgram } = await load('src/cli/program.ts');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const program = await createProgram(version, async () => {});
  const lines = [generated('the program'), '# The command line', '', program.description(), ''];
  lines.push('| command | what it does |', '|---|---|');
  const visible = program.commands.filter((command) => !command._hidden).flatMap(runnable);
  for (const { command, name } of visible) {
    const anchor = `ci-${name.replaceAll(' ', '-')}`;
    lines.push(`| [\`ci ${name}\`](#${anchor}) | ${cell(command.description())} |`);
  }
  for (const { command, name } of visible) {
    const help = command.createHelp();
    lines.push('', `## ci ${name}`, '', `${command.description()}.`, '', '```', help.commandUsage(command), '```');
    if (command.alias()) lines.push('', `Also: \`ci ${command.alias()}\`.`);
    const arguments_ = help.visibleArguments(command);
    if (arguments_.length > 0) {
      lines.push('', '| argument | meaning |', '|---|---|');
      for (const argument of arguments_)
        lines.push(`| \`${argument.name()}\` | ${cell(help.argumentDescription(argument))} |`);
    }
    lines.push('', '| option | meaning |', '|---|---|');
    for (const option of help.visibleOptions(command)) {
      if (option.long === '--help') continue;
      lines.push(`| \`${cell(help.optionTerm(option))}\` | ${cell(help.optionDescription(option))} |`);
    }
  }
  lines.push('', '## Exit codes', '', '| code | when |', '|---|---|');
  lines.push('| 0 | all that had to pass passed; also: waiting on a manual job, nothing to do (with a notice) |');
  lines.push('| 1 | a job failed (`run`); problems were found (`lint`) |');
  lines.push('| 2 | wrong usage: unknown flag, job, command |');
  lines.push('| 3 | the pipeline file is not valid (all commands but `lint`) |');
  lines.push("| 4 | the surroundings failed: no container engine, image can't be had, disk full |");
  lines.push('| 5 | a bug of ours |', '| 128+N | ended by signal N, after cleaning up |', '');
  return lines.join('\n');
}

/** The kinds of value that a schema takes, in plain words. */
function kindsOf(schema, defs, depth = 0) {
  if (depth > 8 || schema === undefined) return [];
  if (schema === true) return ['anything'];
  if (schema.$ref) return kindsOf(defs[schema.$ref.replace(/^#\/(\$defs|definitions)\//, '')], defs, depth + 1);
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches) return [...new Set(branches.flatMap((branch) => kindsOf(branch, defs, depth + 1)))];
  if (schema.const !== undefined) return [`\`${schema.const}\``];
  if (schema.enum) return schema.enum.filter((value) => value !== null).map((value) => `\`${value}\``);
  if (schema.properties?.['!reference'] || schema['x-reference']) return [];
  const types = [schema.type ?? []].flat().filter((type) => type !== 'null');
  return types.map((type) => {
    if (type === 'object') return 'map';
    if (type !== 'array') return type;
    const items = kindsOf(schema.items, defs, depth + 1);
    return items.length === 1 && items[0] === 'string' ? 'list of strings' : 'list';
  });
}

function typeOf(schema, defs) {
  const kinds = [...new Set(kindsOf(schema, defs))];
  return (kinds.includes('list') ? kinds.filter((kind) => kind !== 'list of strings') : kinds).join(', ');
}

function resolve(schema, defs) {
  return schema?.$ref
    ? { ...resolve(defs[schema.$ref.replace(/^#\/(\$defs|definitions)\//, '')], defs), ...schema }
    : schema;
}

/** The keys of the map forms of a schema, from all branches. */
function propertiesOf(schema, defs, depth = 0) {
  if (depth > 8) return {};
  const found = resolve(schema, defs) ?? {};
  const all = { ...(found.properties ?? {}) };
  for (const branch of [...(found.anyOf ?? []), ...(found.oneOf ?? []), ...(found.allOf ?? [])]) {
    Object.assign(all, propertiesOf(branch, defs, depth + 1));
  }
  delete all['!reference'];
  return all;
}

function keyTable(properties, defs) {
  const lines = ['| key | type | meaning |', '|---|---|---|'];
  for (const [name, raw] of Object.entries(properties)) {
    const schema = resolve(raw, defs);
    lines.push(`| \`${name}\` | ${cell(typeOf(raw, defs))} | ${cell(raw?.description ?? schema?.description ?? '')} |`);
  }
  return lines;
}

async function ciYmlPage() {
  const schema = JSON.parse(await readFile(join(root, 'schemas/ci.schema.json'), 'utf8'));
  const defs = schema.$defs ?? schema.definitions ?? {};
  const lines = [generated('schemas/ci.schema.json'), '# `.ci.yml` reference', '', schema.description ?? '', ''];
  lines.push(await readFile(join(root, 'scripts/ci-yml-introduction.md'), 'utf8'));
  lines.push('## Top level', '', ...keyTable(schema.properties, defs));
  const job = propertiesOf(defs.job, defs);
  lines.push('', '## Keys of a job', '', ...keyTable(job, defs));
  for (const [name, raw] of Object.entries(job)) {
    const nested = propertiesOf(raw, defs);
    const inner = resolve(raw, defs);
    const items = [inner, ...(inner?.anyOf ?? []), ...(inner?.oneOf ?? [])]
      .map((branch) => resolve(branch, defs)?.items)
      .filter(Boolean)
      .reduce((all, item) => Object.assign(all, propertiesOf(item, defs)), {});
    const keys = { ...nested, ...items };
    if (Object.keys(keys).length === 0) continue;
    lines.push('', `### \`${name}\``, '', ...keyTable(keys, defs));
  }
  lines.push('');
  return lines.join('\n');
}

async function diagnosticsPage() {
  const { diagnosticCodes } = await load('src/diagnostics/codes.ts');
  const lines = [generated('src/diagnostics/codes/'), '# Diagnostics', ''];
  lines.push('What `ci lint` and the other commands can say about a file. Codes are never renamed or reused.', '');
  lines.push('| code | meaning |', '|---|---|');
  for (const [code, meaning] of Object.entries(diagnosticCodes).sort())
    lines.push(`| \`${code}\` | ${cell(meaning)} |`);
  lines.push('');
  return lines.join('\n');
}

const areas = {
  global: 'Top level',
  header: 'Header document',
  default: '`default`',
  job: 'Jobs',
  rules: 'Rules',
  expression: 'Expressions of `rules:if`',
  interpolation: 'Interpolation',
  variables: 'Variables',
  yaml: 'YAML',
};

async function gitlabSupportPage() {
  const { supportMatrix } = await load('src/dialects/gitlab/support-matrix.ts');
  const matrix = supportMatrix();
  const lines = [generated('the readers of the keywords'), '# GitLab CI/CD support', ''];
  lines.push('What each keyword of `.gitlab-ci.yml`, and each key inside of one, does here:', '');
  lines.push('- **runs**: what it does on GitLab');
  lines.push('- **simulated**: its effect is imitated, as is said beside it');
  lines.push('- **ignored**: it has no effect; a warning at each place says what happens instead');
  lines.push('- **refused**: an error here', '');
  lines.push('An unknown keyword is an error. Nothing is dropped silently.', '');
  const count = (state) => matrix.filter(({ support }) => support.state === state).length;
  const counts = ['runs', 'simulated', 'ignored', 'refused'].map((state) => `${count(state)} ${state}`);
  lines.push(`Of ${matrix.length} rows: ${counts.join(', ')}.`);
  for (const [area, title] of Object.entries(areas)) {
    const rows = matrix.filter(({ id }) => id.startsWith(`${area}/`));
    lines.push('', `## ${title}`, '', '| key | here | how |', '|---|---|---|');
    for (const { id, support } of rows) {
      const name = id.slice(area.length + 1);
      lines.push(`| \`${name}\` | ${support.state} | ${cell(support.how ?? '')} |`);
    }
  }
  lines.push('');
  return lines.join('\n');
}

async function circleSupportPage() {
  const { circleSupportMatrix } = await load('src/dialects/circle/language.ts');
  const matrix = circleSupportMatrix();
  const lines = [generated('src/dialects/circle/language.ts'), '# CircleCI support', ''];
  lines.push('What each key of `.circleci/config.yml`, by its place, and each feature of the language does here:', '');
  lines.push('- **runs**: what it does on CircleCI');
  lines.push('- **simulated**: its effect is imitated, as is said beside it');
  lines.push('- **ignored**: it is read and has no effect');
  lines.push('- **refused**: an error here', '');
  lines.push('An unknown key of a job is an error, as it is on CircleCI; any other unknown key is a warning.', '');
  const count = (state) => matrix.filter(({ support }) => support.state === state).length;
  const counts = ['runs', 'simulated', 'ignored', 'refused'].map((state) => `${count(state)} ${state}`);
  lines.push(`Of ${matrix.length} rows: ${counts.join(', ')}.`);
  let place = '';
  for (const { id, support } of matrix) {
    const slash = id.indexOf('/');
    if (id.slice(0, slash) !== place) {
      place = id.slice(0, slash);
      lines.push('', `## ${circlePlaces[place] ?? `Step \`${place}\``}`, '', '| key | here | how |', '|---|---|---|');
    }
    lines.push(`| \`${id.slice(slash + 1)}\` | ${support.state} | ${cell(support.how ?? '')} |`);
  }
  lines.push('');
  return lines.join('\n');
}

const circlePlaces = {
  command: 'Commands',
  condition: 'Logic statements',
  container: 'Containers of `docker`',
  display: '`display` of an orb',
  example: '`examples` of an orb',
  executor: 'Executors',
  file: 'Top level',
  filter: '`branches` and `tags` of `filters`',
  filters: '`filters`',
  group: '`job-groups`',
  invocation: 'Jobs in a workflow',
  job: 'Jobs',
  'job type': '`type` of a job',
  machine: '`machine`',
  macos: '`macos`',
  matrix: '`matrix`',
  operator: 'Operators of expressions',
  orb: 'Orbs in place',
  parameter: '`parameters`',
  'parameter type': '`type` of a parameter',
  retention: '`retention`',
  schedule: '`schedule`',
  step: 'Steps',
  tag: '`<< … >>`',
  trigger: '`triggers`',
  workflow: 'Workflows',
};

const phases = { before: 'always', pipeline: 'in rules', job: 'in jobs' };

async function predefinedVariablesPage() {
  const { predefinedCatalogue } = await load('src/context/predefined-catalogue.ts');
  const lines = [generated('src/context/predefined-catalogue.ts'), '# Predefined variables', ''];
  lines.push("What becomes of each of GitLab's predefined variables here.", '');
  lines.push(
    '- **seen**: *always* means in `include:rules` too, *in rules* in `rules` and jobs, *in jobs* only there;',
  );
  lines.push(
    '- **real**: it is true of your repository and machine; **simulated**: a value that fits stands in for one that',
  );
  lines.push('  only a server has; **not set**: it is not there, so `$X == null` holds.', '');
  lines.push(
    'Whatever is missing or should be another value is set with `--var NAME=value` (see [variables](variables.md)).',
  );
  for (const [title, facts] of Object.entries(predefinedCatalogue)) {
    lines.push('', `## ${title}`, '', '| variable | here | seen | value |', '|---|---|---|---|');
    for (const [name, { state, phase, how, only }] of Object.entries(facts)) {
      const seen = state === 'absent' ? '–' : phases[phase];
      const where = only === undefined ? '' : `${only}: `;
      lines.push(`| \`${name}\` | ${state === 'absent' ? 'not set' : state} | ${seen} | ${cell(where + how)} |`);
    }
  }
  lines.push('');
  return lines.join('\n');
}

const pages = {
  'docs/predefined-variables.md': await predefinedVariablesPage(),
  'docs/gitlab-support.md': await gitlabSupportPage(),
  'docs/circleci-support.md': await circleSupportPage(),
  'docs/command-line.md': await commandLinePage(),
  'docs/ci-yml.md': await ciYmlPage(),
  'docs/diagnostics.md': await diagnosticsPage(),
};

const check = process.argv.includes('--check');
for (const [path, text] of Object.entries(pages)) {
  const old = await readFile(join(root, path), 'utf8').catch(() => '');
  if (old === text) continue;
  if (check) {
    process.stderr.write(`${path} is out of date: run \`npm run docs\`\n`);
    process.exitCode = 1;
  } else {
    await writeFile(join(root, path), text);
    process.stdout.write(`wrote ${path}\n`);
  }
}
