import type { CacheKey, Step, UploadArtifactsStep } from '../../model/step.ts';
import type { MapEntry } from '../../syntax/node.ts';
import type { Reading } from '../gitlab/reading.ts';
import { readTexts, textField, textsField } from '../gitlab/values.ts';
import { invalidStep, readWhen, requiredField, requiredText } from './step-values.ts';

/** `save_cache`: keeps paths under a key, once; a cache that exists is left alone. */
export function readSaveCache(step: MapEntry, reading: Reading): Step | undefined {
  const key = requiredText(step, 'key', reading);
  const paths = key === undefined ? undefined : requiredField(step, 'paths', reading);
  if (key === undefined || paths === undefined) return undefined;
  return {
    kind: 'save-cache',
    phase: 'script',
    when: readWhen(step.value, 'save_cache:when', 'on_success', reading),
    key: template(key),
    paths: readTexts(paths.value, 'save_cache:paths', reading),
    untracked: false,
    overwrite: false,
  };
}

/** `restore_cache`: the newest cache whose key starts with the first of the keys that has any. */
export function readRestoreCache(step: MapEntry, reading: Reading): Step | undefined {
  const key = textField(step.value, 'key', 'restore_cache:key', reading);
  const more = textsField(step.value, 'keys', 'restore_cache:keys', reading) ?? [];
  const keys = [...(key === undefined ? [] : [key]), ...more];
  if (keys.length === 0) {
    invalidStep(reading, step.keySpan, '`restore_cache` has neither `key` nor `keys`');
    return undefined;
  }
  return {
    kind: 'restore-cache',
    phase: 'script',
    when: 'on_success',
    keys: keys.map(template),
    match: 'prefix',
    paths: [],
  };
}

function template(text: string): CacheKey {
  return { kind: 'template', text };
}

/** `persist_to_workspace`: a layer of files for jobs that come after this one. */
export function readPersist(step: MapEntry, reading: Reading): Step | undefined {
  const root = requiredText(step, 'root', reading);
  const paths = root === undefined ? undefined : requiredField(step, 'paths', reading);
  if (root === undefined || paths === undefined) return undefined;
  const texts = readTexts(paths.value, 'persist_to_workspace:paths', reading);
  return { kind: 'persist-workspace', phase: 'script', when: 'on_success', root, paths: texts };
}

/** `attach_workspace`: the layers of the jobs before this one. */
export function readAttach(step: MapEntry, reading: Reading): Step | undefined {
  const at = requiredText(step, 'at', reading);
  return at === undefined ? undefined : { kind: 'attach-workspace', phase: 'script', when: 'on_success', at };
}

/** `store_artifacts`: kept for the user after success and failure; later jobs don't get them. */
export function readStoreArtifacts(step: MapEntry, reading: Reading): Step | undefined {
  const path = requiredText(step, 'path', reading);
  if (path === undefined) return undefined;
  return uploadStep(
    'stored',
    'always',
    [path],
    textField(step.value, 'destination', 'store_artifacts:destination', reading),
  );
}

/** `upload`: kept for the user, and later jobs that need this one get it. */
export function readUpload(step: MapEntry, reading: Reading): Step | undefined {
  if (step.value.kind !== 'map') return uploadStep('archive', 'on_success', readTexts(step.value, 'upload', reading));
  const source = requiredField(step, 'source', reading);
  if (source === undefined) return undefined;
  const destination = textField(step.value, 'destination', 'upload:destination', reading);
  const when = readWhen(step.value, 'upload:when', 'on_success', reading);
  return uploadStep('archive', when, readTexts(source.value, 'upload:source', reading), destination);
}

function uploadStep(
  type: string,
  when: UploadArtifactsStep['when'],
  paths: readonly string[],
  destination?: string,
): UploadArtifactsStep {
  return {
    kind: 'upload-artifacts',
    phase: 'script',
    when,
    type,
    paths,
    exclude: [],
    untracked: false,
    ...(destination === undefined ? {} : { destination }),
  };
}

/** `store_test_results`: JUnit files, read after success and failure. */
export function readStoreTestResults(step: MapEntry, reading: Reading): Step | undefined {
  const path = requiredText(step, 'path', reading);
  return path === undefined ? undefined : { kind: 'test-report', phase: 'script', when: 'always', path };
}
