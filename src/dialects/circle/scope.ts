import type { Node } from '../../syntax/node.ts';

/**
 * What `<< … >>` can name at one place of the configuration: an element sees its own parameters only.
 * Source: https://circleci.com/docs/guides/orchestrate/reusing-config/#parameter-scope
 */
export interface Scope {
  /** Values of `parameters.*`; undefined: not inside of an element, the text is left for later. */
  readonly parameters?: ReadonlyMap<string, Node>;
  /** Values of `matrix.*` in the entry of a workflow that has a matrix, and in the job that it calls. */
  readonly matrix?: ReadonlyMap<string, Node>;
  /** Values of `pipeline.*` by their names behind the dot, `pipeline.parameters.*` among them (`parameters.x`). */
  readonly pipeline: PipelineValues;
  /** Inside of an orb: it does not see the parameters of the pipeline. */
  readonly isOrb?: true;
  /** Files of version 2 know no tags: `<<` is text there. */
  readonly isLiteral?: true;
}

/** What is known of the pipeline. */
export interface PipelineValues {
  /** undefined: there is no value of this name. */
  readonly get: (name: string) => Node | undefined;
  /** For "did you mean". */
  readonly names: () => readonly string[];
}

/** The value of a dotted name (`parameters.x`, `pipeline.git.branch`, `matrix.os`); undefined: there is none. */
export function lookUp(scope: Scope, name: string): Node | undefined {
  const dot = name.indexOf('.');
  const key = name.slice(dot + 1);
  switch (name.slice(0, dot)) {
    case 'parameters':
      return scope.parameters?.get(key);
    case 'matrix':
      return scope.matrix?.get(key);
    case 'pipeline':
      return scope.isOrb && key.startsWith('parameters.') ? undefined : scope.pipeline.get(key);
    default:
      return undefined;
  }
}

/** All names that can be used, for "did you mean". */
export function namesIn(scope: Scope): readonly string[] {
  return [
    ...[...(scope.parameters?.keys() ?? [])].map((name) => `parameters.${name}`),
    ...[...(scope.matrix?.keys() ?? [])].map((name) => `matrix.${name}`),
    ...scope.pipeline.names().map((name) => `pipeline.${name}`),
  ];
}

/** What an element sees: its parameters, and of the pipeline what its file, or orb, may see. */
export function insideOf(
  { home }: { readonly home: { readonly prefix: string } },
  outer: Scope,
  parameters?: ReadonlyMap<string, Node>,
): Scope {
  return {
    pipeline: outer.pipeline,
    ...(parameters === undefined ? {} : { parameters }),
    ...(home.prefix === '' ? {} : { isOrb: true }),
    ...(outer.isLiteral ? { isLiteral: true } : {}),
  };
}
