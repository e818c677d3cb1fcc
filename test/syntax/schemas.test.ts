import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { compileSchemas } from '../../scripts/compile-schemas.mjs';
import { cpuTimer } from '../support/cpu-timer.ts';

interface Schema {
  readonly $defs: Readonly<Record<string, Schema>>;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly description?: string;
  readonly pattern?: string;
}

const root = new URL('../../', import.meta.url);

function load(name: string): Schema {
  return JSON.parse(readFileSync(new URL(`schemas/${name}.schema.json`, root), 'utf8')) as Schema;
}

const gitlab = load('gitlab-ci');
const ci = load('ci');

function walk(value: unknown, path: string, visit: (schema: Schema, path: string) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value as Schema, path);
  for (const [key, inner] of Object.entries(value)) walk(inner, `${path}/${key}`, visit);
}

describe.each([
  ['gitlab-ci', gitlab],
  ['ci', ci],
])('%s.schema.json', (_, schema) => {
  it('describes every keyword', () => {
    const bare: string[] = [];
    walk(schema, '', ({ properties }, path) => {
      for (const [name, property] of Object.entries(properties ?? {})) {
        const inside = path.includes('/if') || path.includes('/then') || path.includes('/dependencies/');
        const isKeyword = typeof property === 'object' && !inside && name !== '!reference';
        if (isKeyword && !property.description?.endsWith('.')) bare.push(`${path}/${name}`);
      }
    });
    expect(bare).toEqual([]);
  });

  it('refers only to definitions that it has', () => {
    const missing: string[] = [];
    walk(schema, '', (inner, path) => {
      const reference = (inner as { readonly $ref?: unknown }).$ref;
      if (typeof reference !== 'string') return;
      if (!Object.hasOwn(schema.$defs, reference.replace('#/$defs/', ''))) missing.push(`${path}: ${reference}`);
    });
    expect(missing).toEqual([]);
  });

  it('has only patterns that take time in step with the text', () => {
    walk(schema, '', ({ pattern }) => {
      if (typeof pattern !== 'string') return;
      for (const piece of ['a', '/', '.', 'a/', '$', './']) {
        const text = `${piece.repeat(100_000)}\n`;
        const spentMs = cpuTimer();
        new RegExp(pattern, 'u').test(text);
        expect(spentMs(), pattern).toBeLessThan(200);
      }
    });
  });
});

describe('the two schemas', () => {
  it('say the same of what they share', () => {
    const own = new Set(['job', 'jobs', 'steps', 'step', 'runCommand']);
    const shared = Object.keys(ci.$defs).filter((name) => !own.has(name));
    expect(shared.sort()).toEqual(
      Object.keys(gitlab.$defs)
        .filter((name) => name !== 'job')
        .sort(),
    );
    for (const name of shared) expect(ci.$defs[name], name).toEqual(gitlab.$defs[name]);
    expect(ci.$defs['job']!.properties).toMatchObject(gitlab.$defs['job']!.properties!);
    expect(ci.properties).toMatchObject(gitlab.properties!);
  });
});

describe('compileSchemas', () => {
  const outDir = mkdtempSync(join(tmpdir(), 'schemas-'));
  afterAll(() => rmSync(outDir, { recursive: true }));

  it('writes a module that needs nothing else, and only when something changed', async () => {
    const { path, written } = compileSchemas({ outDir });
    expect(written).toBe(true);
    expect(readFileSync(path, 'utf8')).not.toMatch(/\brequire\(|^import /m);
    expect(compileSchemas({ outDir }).written).toBe(false);
    const { validators } = (await import(
      pathToFileURL(path).href
    )) as typeof import('../../src/syntax/generated/validators.js');
    expect(validators.gitlab.job({ script: ['make'] })).toBe(true);
    expect(validators.gitlab.job({ script: 5 })).toBe(false);
    // It is loaded at every start.
    expect(statSync(path).size).toBeLessThan(400_000);
  });
});
