import { describe, expect, it } from 'vitest';
import { doorwayOutput } from '../../../src/executors/docker/doorway-output.ts';
import { doorwayMark } from '../../../src/executors/docker/visit-lines.ts';

const written = "export A='1'\n__ci_mark=1\n\n";
const echo = written.replaceAll('\n', '\r\n');

describe('doorwayOutput', () => {
  it('shows what follows the mark, wherever it is cut', () => {
    const whole = Buffer.concat([Buffer.from(echo), doorwayMark, Buffer.from('$ ')]);
    for (let cut = 1; cut < whole.length; cut++) {
      const output = doorwayOutput(written);
      const found = [output.push(whole.subarray(0, cut)), output.push(whole.subarray(cut))];
      const shown = found.map((each) => (each.kind === 'not yet' ? '' : each.rest.toString())).join('');
      expect(shown).toBe('$ ');
      expect(found.filter(({ kind }) => kind === 'now')).toHaveLength(1);
      expect(output.unmarked()).toBe('');
    }
  });

  it('tells what came without a mark, but no echo', () => {
    const output = doorwayOutput(written);
    expect(output.push(Buffer.from(`${echo}OCI runtime exec failed: "sh": not found\r\n`))).toEqual({
      kind: 'not yet',
    });
    expect(output.unmarked()).toBe('OCI runtime exec failed: "sh": not found');
    output.push(Buffer.from(`${'x'.repeat(200_000)}\r\nlast words`));
    expect(output.unmarked()).toMatch(/last words$/);
    expect(output.unmarked().length).toBeLessThan(70_000);
  });
});
