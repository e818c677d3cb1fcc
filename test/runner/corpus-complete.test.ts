import { expect, it } from 'vitest';
import { rows } from './support/corpus.ts';

/** Beginnings of names, by the test file that takes them. */
const takenBy: Readonly<Record<string, readonly string[]>> = {
  'network/corpus-runners': ['client.', 'register.', 'unregister.', 'unregister_manager.', 'verify.', 'reset_token'],
  'network/corpus-jobs': ['request_job.', 'update_job.', 'patch_trace.', 'update_interval.', 'remote_state.'],
  'network/corpus-jobs, too': ['artifacts_upload.', 'artifacts_download.', 'info.'],
  'network/corpus-transport': ['correlation.', 'do_json.', 'content_type.', 'redirect.', 'retry', 'metric_path '],
  'network/tls': ['tls.'],
  'trace/corpus-trace': ['trace.'],
};

it('has a test for every row of the reference', () => {
  const prefixes = Object.values(takenBy).flat();
  expect(rows.filter(({ name }) => !prefixes.some((prefix) => name.startsWith(prefix)))).toEqual([]);
});
