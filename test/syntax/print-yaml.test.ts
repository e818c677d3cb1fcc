import { expect, test } from 'vitest';
import { parseYaml } from '../../src/syntax/parse.ts';
import { printYaml } from '../../src/syntax/print-yaml.ts';

function printed(text: string): string {
  return printYaml(parseYaml('x.yml', text, 'yaml-1.1').value![0]!);
}

test('an unresolved reference is written with its tag, so that it is read as a reference again', () => {
  const text = 'j:\n  script:\n    - !reference [ .x, "a b: c" ]\n    - a\n  variables: !reference [ .y, variables ]\n';
  expect(printed(text)).toBe(text);
});

test('shared nodes are written out, and keys and values stay what they are', () => {
  const text = '.a: &a {A: yes, "on": "1", 012: "012"}\nj: {script: [x], variables: *a, "true": null}\n';
  const once = printed(text);
  expect(once).not.toMatch(/[&*]/);
  expect(printed(once)).toBe(once);
  expect(once).toContain('"on": "1"');
  expect(once).toContain('"012"');
});
