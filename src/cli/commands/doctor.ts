import type { Paint, PaintKind } from '../../reporters/color.ts';
import { oneLine } from '../../reporters/terminal-text.ts';
import { deferred } from '../../util/deferred.ts';
import type { Check, Finding, Machine } from '../doctor/check.ts';
import { checks } from '../doctor/checks.ts';
import { examineMachine } from '../doctor/machine.ts';
import { redacted } from '../doctor/redacted.ts';
import { exitCodes, signalExitCode } from '../exit-code.ts';
import { type Invocation, print, printJson } from '../invocation.ts';
import type { FileOptions } from '../options.ts';
import { paintFor } from '../report-diagnostics.ts';
import { handleSignals } from '../run/signals.ts';

/** Options of `ci doctor`; the file is only looked at where there is one. */
export type DoctorOptions = FileOptions & { readonly format: 'text' | 'json' };

/** How long one check may take, milliseconds: an engine behind ssh may need to log in. */
const patienceMs = 45_000;

/**
 * `ci doctor`: looks at the machine, runs nothing of the pipeline file, changes nothing. Exit code 4 when something
 * does not work that is needed here.
 */
export async function doctor(invocation: Invocation, _: readonly string[], options: DoctorOptions): Promise<number> {
  const ended = deferred<'ended'>();
  using signals = handleSignals({ stop: () => ended.resolve('ended'), dropEverything: () => {} });
  const machine = await examineMachine(invocation, options);
  // Beside each other, since some wait for others.
  const examined = checks.map((check) => ({ check, finding: examine(check, machine) }));
  const findings = await Promise.race([Promise.all(examined.map(({ finding }) => finding)), ended.promise]);
  if (findings === 'ended') {
    await Promise.all(examined.filter(({ check }) => check.makesThings).map(({ finding }) => finding));
    return signalExitCode(signals.received()!);
  }
  const worst = (['fail', 'warn'] as const).find((status) => findings.some((finding) => finding.status === status));
  if (options.format === 'json')
    await printJson(invocation, { schema: 'ci/1', status: worst ?? 'ok', checks: findings });
  else await tell(invocation, options, findings);
  return worst === 'fail' ? exitCodes.system : exitCodes.ok;
}

type Told = Finding & Pick<Check, 'id'>;

async function examine(check: Check, machine: Machine): Promise<Told> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    const message = `no answer in ${patienceMs / 1000} s`;
    timer = setTimeout(() => resolve({ status: 'warn', message, fix: 'try again later' }), patienceMs);
  });
  try {
    const finding = await Promise.race([look(check, machine), late]);
    return redacted({ id: check.id, ...finding });
  } finally {
    clearTimeout(timer);
  }
}

/** A check that fails itself says more about the machine than a stack would. */
async function look(check: Check, machine: Machine): Promise<Finding> {
  try {
    return await check.look(machine);
  } catch (error) {
    const message = `could not be looked at: ${error instanceof Error ? error.message : String(error)}`;
    return { status: 'warn', message, fix: 'please report it if you think that it should work' };
  }
}

const marks: Readonly<Record<Finding['status'], readonly [mark: string, paint: PaintKind]>> = {
  ok: ['✓', 'success'],
  warn: ['!', 'warning'],
  fail: ['✗', 'error'],
};

async function tell(invocation: Invocation, options: DoctorOptions, findings: readonly Told[]): Promise<void> {
  const paint = await paintFor(invocation, invocation.stdout, options.color);
  const width = Math.max(...findings.map(({ id }) => id.length));
  await print(invocation.stdout, findings.map((finding) => lines(finding, width, paint)).join(''));
  const count = (status: Finding['status']): number => findings.filter((each) => each.status === status).length;
  const [failed, warned] = [count('fail'), count('warn')];
  const summary =
    failed + warned === 0
      ? 'all is well'
      : [failed > 0 ? `${failed} to mend` : '', warned > 0 ? `${warned} to look at` : ''].filter(Boolean).join(', ');
  await print(invocation.stderr, `ci: ${summary}\n`);
}

function lines({ id, status, message, fix }: Told, width: number, paint: Paint): string {
  const [mark, kind] = marks[status];
  const [first = '', ...rest] = message.split('\n').map((line) => oneLine(line, { color: false }));
  const indent = ' '.repeat(width + 4);
  const told = [`${paint(kind, mark)} ${paint('strong', id.padEnd(width))}  ${first}`];
  for (const line of rest) told.push(indent + line);
  if (fix !== undefined) told.push(indent + paint('hint', `→ ${oneLine(fix, { color: false })}`));
  return `${told.join('\n')}\n`;
}
