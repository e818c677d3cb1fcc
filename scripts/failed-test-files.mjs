// `failed-test-files.mjs REPORT MOST`: the files of a JSON report of vitest in which a test failed, a line each. Fails
// where they are more than MOST, or none: then something else went wrong than a test that depends on its luck.
import { readFileSync } from 'node:fs';

const [, , report, most] = process.argv;
const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
const failed = testResults.filter(({ status }) => status === 'failed').map(({ name }) => name);
if (failed.length === 0 || failed.length > Number(most)) {
  process.stderr.write(`${failed.length} files of tests failed: they are not run again\n`);
  process.exit(1);
}
process.stdout.write(`${failed.join('\n')}\n`);
