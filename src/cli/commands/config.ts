import { toValue } from '../../syntax/node.ts';
import { printYaml } from '../../syntax/print-yaml.ts';
import { exitCodes } from '../exit-code.ts';
import { type Invocation, print, printJson } from '../invocation.ts';
import { type LoadOptions, loadPipeline } from '../load-pipeline.ts';
import { originNotes, originTree } from '../origin-text.ts';
import { requireValid } from '../report-diagnostics.ts';

/** Options of `ci config`; `origin`: with the place that each value comes from. */
export type ConfigOptions = LoadOptions & { readonly format: 'yaml' | 'json'; readonly origin?: boolean };

/** `ci config`: the file after includes, extends, references and anchors. */
export async function config(invocation: Invocation, _: readonly string[], options: ConfigOptions): Promise<number> {
  const loaded = await loadPipeline(invocation, options);
  const compiled = await requireValid(invocation, loaded, options);
  if (options.format === 'yaml') {
    const note = options.origin ? originNotes(compiled, loaded) : undefined;
    await print(invocation.stdout, printYaml(compiled.config, note));
    return exitCodes.ok;
  }
  const merged = toValue(compiled.config) as object;
  const document = options.origin ? { schema: 'ci/1', config: merged, origins: originTree(compiled, loaded) } : merged;
  await printJson(invocation, document);
  return exitCodes.ok;
}
