import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { hasErrors } from '../../../src/diagnostics/diagnostic.ts';
import { plan } from '../../../src/plan/plan.ts';
import { compileText, testContext } from '../../support/compile-text.ts';

/** Configurations of other people, where they lie beside this repository. `CORPUS_TABLE=1` prints what became of each. */
const corpus = fileURLToPath(new URL('../../../../shared/corpus', import.meta.url));
const table = process.env['CORPUS_TABLE'] === '1';

function filesOf(folder: string): readonly string[] {
  return existsSync(join(corpus, folder)) ? readdirSync(join(corpus, folder)).sort() : [];
}

async function compiled(folder: string, name: string) {
  const text = readFileSync(join(corpus, folder, name), 'utf8');
  const result = await compileText(text, { file: '.circleci/config.yml' });
  const errors = result.diagnostics.filter(({ severity }) => severity === 'error');
  if (table) {
    console.log(`${folder}/${name}: ${result.jobs.length} jobs, ${errors.length} errors`);
    for (const { severity, code, message } of result.diagnostics) console.log(`    ${severity} ${code} ${message}`);
  }
  return { ...result, errors };
}

/** Fragments: they name jobs and parameters that nothing defines, or define jobs that nothing runs. The service refuses them too. */
const fragments: Readonly<Record<string, string>> = {
  'schemastore__570.yaml': 'a job that is in no workflow and not called build',
  'schemastore__chromeless.json': 'gives `gcloud-service-key` where `gcloud_service_key` is declared',
  'schemastore__conditional-job.json': 'a job that is in no workflow and not called build',
  'schemastore__job-executors.json': 'jobs that are in no workflow and not called build',
  'schemastore__machine-executor.yaml': 'jobs that are in no workflow and not called build',
  'schemastore__matrix-simple.json': 'a workflow of a job that is not defined',
  'schemastore__resource-classes-and-images.yaml': 'jobs that are in no workflow and not called build',
  'schemastore__workflow-job-requires.yaml': 'a workflow of jobs that are not defined',
  'schemastore__workflows.json': 'workflows of jobs and parameters that are not defined',
  'yls__config2.yml': 'a workflow of a job that is not defined',
  'yls__parameter-inline.yml': 'calls a job as a step',
  'yls__parser__testdata__simple-cases__config2.yml': 'a workflow of a job that is not defined',
  'yls__services__testdata__anchorNoErrors.yml': 'a matrix of a parameter that the job does not have',
  'yls__services__testdata__noErrors.yml': 'a job lacks a parameter that has no default',
};

/** Labelled as wrong by their names, but right by the language's rules. */
const right: Readonly<Record<string, string>> = {
  'yls__parser__testdata__duplicate-names-across-workflows__build.yml': 'two workflows may have jobs of one name',
  'yls__parser__testdata__unknown__discard__build.yml': 'unknown keys at the top hold anchors in many real files',
};

const real = filesOf('circle-real');
const positive = filesOf('circle-schema/positive');
const negative = filesOf('circle-schema/negative');

describe.skipIf(real.length === 0)('real CircleCI configurations', () => {
  it.each(real)('%s has no error and can be planned', async (name) => {
    const { compiled: value, errors } = await compiled('circle-real', name);
    expect(errors).toEqual([]);
    const { pipeline } = value!;
    const selection = { selectors: [], stages: [], withNeeds: true, manual: [], executor: 'auto' } as const;
    const planned = plan(pipeline, testContext(), { ...selection, defaultTimeoutMs: 1000 });
    expect(planned.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(pipeline.jobs.length).toBeGreaterThan(0);
  });
});

describe.skipIf(positive.length === 0)('fixtures for the schema of CircleCI', () => {
  it.each(positive)('%s is accepted', async (name) => {
    const { errors } = await compiled('circle-schema/positive', name);
    if (fragments[name] === undefined) expect(errors).toEqual([]);
    else expect(errors.filter(({ code }) => code.startsWith('schema/'))).toEqual([]);
  });

  it.each(negative)('%s is refused', async (name) => {
    const { diagnostics } = await compiled('circle-schema/negative', name);
    expect(hasErrors(diagnostics)).toBe(right[name] === undefined);
  });
});
