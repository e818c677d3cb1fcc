import { toValue } from '../../syntax/node.ts';
import { printYaml } from '../../syntax/print-yaml.ts';
import { exitCodes } from '../exit-code.ts';
import { type Invocation, print, printJson } from '../invocation.ts';
import { type LoadOptions, loadPipeline } from '../load-pipeline.ts';
import { requireValid } from '../report-diagnostics.ts';

export type ConfigOptions = LoadOptions & { readonly format: 'yaml' | 'json' };

/** `ci config`: the file after includes, extends, references and anchors. */
export async function config(invocation: Invocation, _: readonly string[], options: ConfigOptions): Promise<number> {
  const loaded = await loadPipeline(invocation, options);
  const compiled = await requireValid(invocation, loaded, options);
  if (options.format === 'json') await printJson(invocation, toValue(compiled.config) as object);
  else await print(invocation.stdout, printYaml(compiled.config));
  return exitCodes.ok;
}
