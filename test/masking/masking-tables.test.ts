import { describe, expect, it } from 'vitest';
import { createMasking } from '../../src/masking/masker.ts';
import { maskingTables } from '../../src/masking/masking-tables.ts';

describe('maskingTables', () => {
  it('builds one table for jobs that hide the same values, also when values come later', () => {
    const tables = maskingTables();
    const first = tables.of(['one secret', 'two secrets'], ['glpat-']);
    expect(tables.of(['one secret', 'two secrets', 'one secret'], ['glpat-'])).toBe(first);
    expect(tables.of(['one secret'], ['glpat-'])).not.toBe(first);
    expect(tables.of(['one secret', 'two secrets'], [])).not.toBe(first);
    expect(tables.of(['one secret', 'two secrets', 'no'], ['glpat-']).refused).toEqual(['no']);
  });

  it('has all values hidden, however short, where that is wanted', () => {
    const { refused, forms } = maskingTables({ shortest: 1 }).of(['no', 'x', ' y ', ' ', ''], []);
    expect({ refused, forms: [...forms.keys()] }).toEqual({ refused: [], forms: ['no', 'x', 'y'] });
  });

  it('forgets tables that nobody has asked for lately', () => {
    const tables = maskingTables();
    const [often, once] = [tables.of(['often'], []), tables.of(['once'], [])];
    for (let job = 0; job < 100; job++) {
      tables.of([`secret of job ${job}`], []);
      expect(tables.of(['often'], [])).toBe(often);
    }
    expect(tables.of(['once'], [])).not.toBe(once);
  });

  it('keeps what one job adds from the others', async () => {
    const tables = maskingTables();
    const texts = ['', ''];
    const maskings = texts.map(() => createMasking({ phrases: ['shared'], prefixes: [] }, tables));
    maskings[0]!.add('of one job');
    for (const [index, masking] of maskings.entries()) {
      const stream = masking.stream({
        write: async (bytes) => {
          texts[index] += Buffer.from(bytes).toString();
        },
      });
      await stream.write(Buffer.from('shared of one job\n'));
      await stream.flush();
    }
    expect(texts).toEqual(['[MASKED] [MASKED]\n', '[MASKED] of one job\n']);
  });
});
