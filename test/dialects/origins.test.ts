import { describe, expect, it } from 'vitest';
import { toValue } from '../../src/syntax/node.ts';
import { parseYaml } from '../../src/syntax/parse.ts';
import { printYaml } from '../../src/syntax/print-yaml.ts';
import { compileText } from '../support/compile-text.ts';

const text = `
include: [a.yml, b.yml]
image: ruby
.one: { extends: .two, retry: 1 }
.two: { tags: &tags [x], variables: {} }
.texts: { long: "${'word '.repeat(60)}", lines: "a\\n# b\\n", hash: "a # b" }
build:
  extends: [.one]
  script: [!reference [.texts, long], !reference [.texts, lines], !reference [.texts, hash], '']
  before_script: *tags
  image: null
`;
const files = { 'a.yml': 'include: b.yml\nbuild: { timeout: 1h }\n', 'b.yml': 'build: { interruptible: true }\n' };

describe('the origin of a value', () => {
  it('is its place, and the way by which it came there', async () => {
    const { compiled } = await compileText(text, { files });
    const { config, originOf } = compiled!;
    const build = config.kind === 'map' ? config.entries.get('build')!.value : config;
    const origin = (key: string) => {
      const value = build.kind === 'map' ? build.entries.get(key)!.value : build;
      const at = value.kind === 'seq' ? value.items[0]! : value;
      const { span, ...way } = originOf('build', at.span);
      return [span.file, way];
    };
    expect(origin('image')).toEqual(['.gitlab-ci.yml', { from: { kind: 'default' } }]);
    expect(origin('retry')).toEqual(['.gitlab-ci.yml', { from: { kind: 'extends', parents: ['.one'] } }]);
    expect(origin('tags')).toEqual(['.gitlab-ci.yml', { from: { kind: 'extends', parents: ['.one', '.two'] } }]);
    expect(origin('script')).toEqual(['.gitlab-ci.yml', { from: { kind: 'shared', entry: '.texts' } }]);
    expect(origin('timeout')).toEqual(['a.yml', { includedBy: ['.gitlab-ci.yml'] }]);
    expect(origin('interruptible')).toEqual(['b.yml', { includedBy: ['.gitlab-ci.yml', 'a.yml'] }]);
  });

  it('stands in comments that change nothing', async () => {
    const { compiled } = await compileText(text, { files });
    const printed = printYaml(compiled!.config, (node) => `${node.span.file}: # "it's"`);
    const again = parseYaml('again.yml', printed, 'yaml-1.1');
    expect(again.diagnostics).toEqual([]);
    expect(toValue(again.value![0]!)).toEqual(toValue(compiled!.config));
    expect(printed.split('# .gitlab-ci.yml:').length).toBeGreaterThan(8);
  });
});
