import { describe, expect, it } from 'vitest';
import { junitReports } from '../../src/job/junit.ts';

function read(...texts: readonly string[]) {
  const reports = junitReports();
  for (const [index, text] of texts.entries()) reports.add(`${index}.xml`, text);
  return reports.results();
}

describe('JUnit reports', () => {
  it('are counted over nested suites and several files', () => {
    const results = read(
      `<testsuites><testsuite name="outer"><testsuite name="inner">
         <testcase name="adds" classname="Calculator" file="src/a.test.ts" time="1.5">
           <failure message="expected 3, got 4&#10;and more">stack</failure>
         </testcase>
         <testcase name="subtracts" time="0.25"/>
       </testsuite>
       <testcase name="lies outside"><error type="RuntimeError">
          boom
          at line 3</error><system-out>noise</system-out></testcase>
       </testsuite></testsuites>`,
      `<testsuite><testcase name="later"><skipped/></testcase></testsuite>`,
    );
    expect(results).toEqual({
      ...{ total: 4, passed: 1, failed: 1, errors: 1, skipped: 1, durationMs: 1750, unreadable: [] },
      failures: [
        {
          ...{ kind: 'failure', name: 'adds', className: 'Calculator', suite: 'inner', file: 'src/a.test.ts' },
          message: 'expected 3, got 4',
        },
        { kind: 'error', name: 'lies outside', suite: 'outer', message: 'boom' },
      ],
    });
  });

  it('let a failure count more than an error, and that more than being skipped', () => {
    const results = read(
      '<testsuite><testcase name="a"><skipped/><error message="e"/><failure message="f"/></testcase><testcase name="b"><error message="e"/><skipped/></testcase></testsuite>',
    );
    expect(results.failures.map(({ kind, message }) => [kind, message])).toEqual([
      ['failure', 'f'],
      ['error', 'e'],
    ]);
    expect(results.skipped).toBe(0);
  });

  it('take the type where there is no message, and a name where there is none', () => {
    const results = read('<testsuite><testcase><failure type="AssertionError"/></testcase></testsuite>');
    expect(results.failures).toEqual([{ kind: 'failure', name: '(no name)', message: 'AssertionError' }]);
  });

  it('count what came before a mistake, and name the mistake', () => {
    const results = read('<testsuite><testcase name="a"/><testcase', '<html/>', '');
    expect(results).toMatchObject({ total: 1, passed: 1 });
    expect(results.unreadable).toEqual([
      '0.xml: it is not well-formed XML: this is not a tag, line 1',
      '1.xml: it is no JUnit report, its root is <html>',
      '2.xml: it is not well-formed XML: it holds no element',
    ]);
  });

  it('keep so many failures and cut what is long', () => {
    const one = `<testcase name="${'n'.repeat(600)}"><failure>${'x'.repeat(100_000)}</failure></testcase>`;
    const results = read(`<testsuite>${one.repeat(300)}</testsuite>`);
    expect([results.failed, results.failures.length]).toEqual([300, 200]);
    expect(results.failures[0]).toMatchObject({ name: `${'n'.repeat(500)}…`, message: `${'x'.repeat(500)}…` });
  });

  it('ignore cases outside of suites and elements that only look like verdicts', () => {
    const results = read(
      '<testsuites><testsuite><testcase name="a"><system-out><failure/></system-out></testcase></testsuite></testsuites>',
      '<testcase name="alone"/>',
    );
    expect(results).toMatchObject({ total: 1, passed: 1, failed: 0 });
  });
});
