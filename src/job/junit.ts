import type { FailedTest, TestResults } from '../model/test-results.ts';
import { readXml } from '../util/read-xml.ts';

/** Failed tests that are kept of one job; further ones are counted. */
const mostFailures = 200;
/** Characters of a message or name that are kept. */
const longestText = 500;
/** Of the text of one failure only the begin is looked at. */
const longestBody = 16_384;
/** Reports that can't be read are named up to this number. */
const mostUnreadable = 20;

/** Adds up reports. */
export interface JunitReports {
  /** @param path for messages. */
  add(path: string, text: string): void;
  refuse(path: string, why: string): void;
  results(): TestResults;
}

/** One case of a report, whatever became of it. */
export interface JunitCase {
  readonly name: string | undefined;
  readonly className: string | undefined;
  /** Its own, or that of the suite that it stands in. */
  readonly file: string | undefined;
  /** Undefined: the report does not tell, or nonsense. */
  readonly seconds: number | undefined;
}

/** The case that is being read. */
interface OpenCase {
  readonly attributes: ReadonlyMap<string, string>;
  readonly suite: string | undefined;
  /** That of its suite. */
  readonly suiteFile: string | undefined;
  verdict: 'passed' | 'failure' | 'error' | 'skipped';
  message: string;
}

/**
 * Reads JUnit reports as GitLab does: cases count below any number of nested suites; of a case that holds several, `failure` is
 * more than `error`, and that more than `skipped`. Source: lib/gitlab/ci/parsers/test/junit.rb
 * @param onCase told of each case.
 */
export function junitReports(onCase?: (one: JunitCase) => void): JunitReports {
  const counts = { total: 0, passed: 0, failed: 0, errors: 0, skipped: 0, durationMs: 0 };
  const failures: FailedTest[] = [];
  const unreadable: string[] = [];
  const refuse = (path: string, why: string): void => {
    if (unreadable.length < mostUnreadable) unreadable.push(`${path}: ${why}`);
  };
  const end = (open: OpenCase): void => {
    counts.total++;
    const written = Number(open.attributes.get('time')?.replaceAll(',', ''));
    const seconds = Number.isFinite(written) && written >= 0 ? written : undefined;
    counts.durationMs += (seconds ?? 0) * 1000;
    onCase?.({
      name: open.attributes.get('name'),
      className: open.attributes.get('classname'),
      file: open.attributes.get('file') ?? open.suiteFile,
      seconds,
    });
    counts[countOf[open.verdict]]++;
    if (open.verdict !== 'failure' && open.verdict !== 'error') return;
    if (failures.length < mostFailures) failures.push(failedTest(open, open.verdict));
  };
  return {
    add(path, text) {
      const problem = readReport(text, end);
      if (problem !== undefined) refuse(path, problem);
    },
    refuse,
    results: () => ({ ...counts, durationMs: Math.round(counts.durationMs), failures, unreadable }),
  };
}

const countOf = { passed: 'passed', failure: 'failed', error: 'errors', skipped: 'skipped' } as const;
const weight = { passed: 0, skipped: 1, error: 2, failure: 3 } as const;
const suiteElements: ReadonlySet<string> = new Set(['testsuites', 'testsuite']);

function readReport(text: string, end: (open: OpenCase) => void): string | undefined {
  const suites: { readonly name: string | undefined; readonly file: string | undefined }[] = [];
  let root: string | undefined;
  let open: OpenCase | undefined;
  /** What the failure that is being read says, unless its `message` does. */
  let body: string | undefined;
  let depth = 0;
  const problem = readXml(text, {
    open(name, attributes) {
      root ??= name;
      depth++;
      if (open === undefined) {
        if (suiteElements.has(name)) suites.push({ name: attributes.get('name'), file: attributes.get('file') });
        else if (name === 'testcase' && suites.length > 0) {
          const suite = suites.findLast(({ name }) => name)?.name;
          const suiteFile = suites.findLast(({ file }) => file)?.file;
          open = { attributes, suite, suiteFile, verdict: 'passed', message: '' };
          depth = 0;
        }
        return;
      }
      if (depth !== 1 || !(name === 'failure' || name === 'error' || name === 'skipped')) return;
      if (weight[name] <= weight[open.verdict]) return;
      open.verdict = name;
      open.message = firstLine(attributes.get('message')) || '';
      body = open.message === '' ? '' : undefined;
      if (body === '') open.message = firstLine(attributes.get('type'));
    },
    text(piece) {
      if (body !== undefined && body.length < longestBody) body += piece.slice(0, longestBody);
    },
    close(name) {
      if (open === undefined) {
        if (suiteElements.has(name)) suites.pop();
      } else if (depth === 0) {
        end(open);
        open = undefined;
      } else if (depth === 1 && body !== undefined) {
        open.message = firstLine(body) || open.message;
        body = undefined;
      }
      depth--;
    },
  });
  if (problem !== undefined) return `it is not well-formed XML: ${problem}`;
  return root !== undefined && suiteElements.has(root) ? undefined : `it is no JUnit report, its root is <${root}>`;
}

function failedTest({ attributes, suite, message }: OpenCase, kind: FailedTest['kind']): FailedTest {
  const given = (name: string): string | undefined => cut(attributes.get(name)?.trim() ?? '') || undefined;
  const [className, file] = [given('classname'), given('file')];
  return {
    kind,
    name: given('name') ?? '(no name)',
    ...(className === undefined ? {} : { className }),
    ...(suite === undefined ? {} : { suite: cut(suite) }),
    ...(file === undefined ? {} : { file }),
    message,
  };
}

function firstLine(text: string | undefined): string {
  return cut(/\S.*/.exec(text ?? '')?.[0].trimEnd() ?? '');
}

function cut(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}
