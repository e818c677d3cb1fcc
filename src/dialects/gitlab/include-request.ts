import type { Diagnostic, Span } from '../../diagnostics/diagnostic.ts';
import { expandVariables, referencedVariables } from '../../expressions/expand-variables.ts';
import type { ForeignFile } from '../../model/included-file.ts';
import type { IncludeEntry, IncludeTarget } from './include-entry.ts';

/** One file (or glob) that an entry of `include` asks for, its variables expanded. */
export type IncludeRequest =
  | { readonly kind: 'local'; readonly path: string }
  | Exclude<ForeignFile, { readonly kind: 'orb' }>;

/** A request, and the place in the file that messages about it point at. */
export interface PlacedRequest {
  readonly request: IncludeRequest;
  readonly span: Span;
}

/** What an entry of `include` asks for, and what is wrong with the rest. */
export function requestsOf(
  { target, span }: IncludeEntry,
  variable: (name: string) => string | undefined,
): { readonly asked: readonly PlacedRequest[]; readonly diagnostics: readonly Diagnostic[] } {
  const unknown = new Set<string>();
  const expand = (text: string): string => {
    for (const name of referencedVariables(text)) if (variable(name) === undefined) unknown.add(name);
    return expandVariables(text, variable);
  };
  const asked = askedFor(target, span, expand);
  const [first] = unknown;
  if (first !== undefined) return { asked: [], diagnostics: [unknownVariable(target, span, first)] };
  const diagnostics = asked.flatMap((each) => problemOf(each) ?? []);
  return { asked: diagnostics.length > 0 ? [] : asked, diagnostics };
}

function askedFor(target: IncludeTarget, span: Span, expand: (text: string) => string): readonly PlacedRequest[] {
  const one = (request: IncludeRequest): readonly PlacedRequest[] => [{ request, span }];
  switch (target.kind) {
    case 'text': {
      const text = expand(target.text);
      // GitLab tells them apart like this. Source: lib/gitlab/ci/config/external/mapper/normalizer.rb
      return one(/^https?:\/\//i.test(text) ? { kind: 'remote', url: text } : { kind: 'local', path: text });
    }
    case 'local':
      return one({ kind: 'local', path: expand(target.path) });
    case 'project': {
      const project = expand(target.project);
      const ref = target.ref === undefined ? {} : { ref: expand(target.ref) };
      return target.files.map((file) => ({
        request: { kind: 'project', project, file: expand(file.value), ...ref },
        span: file.span,
      }));
    }
    case 'remote': {
      const { integrity, cacheMs } = target;
      const extra = { ...(integrity ? { integrity } : {}), ...(cacheMs === undefined ? {} : { cacheMs }) };
      return one({ kind: 'remote', url: expand(target.url), ...extra });
    }
    case 'template':
      return one({ kind: 'template', name: expand(target.name) });
    case 'component':
      return one({ kind: 'component', address: expand(target.address) });
    case 'artifact':
      return one({ kind: 'artifact', path: expand(target.path), job: expand(target.job) });
  }
}

/** It may well be set on the server, so this is no mistake. */
function unknownVariable(target: IncludeTarget, span: Span, name: string): Diagnostic {
  const what = target.kind === 'text' ? 'file' : target.kind;
  return {
    code: 'gitlab/include-not-read',
    severity: 'warning',
    message: `the included ${what} is not read, since the variable \`${name}\` is not known here; what it defines is missing`,
    span,
    hint: `give it a value: \`--var ${name}=…\`, or \`[variables]\` in your settings`,
  };
}

/** As messages name a request. */
export function nameOf(request: IncludeRequest): string {
  switch (request.kind) {
    case 'local':
      return request.path;
    case 'project':
      return request.file;
    case 'remote':
      return request.url;
    case 'template':
      return request.name;
    case 'component':
      return request.address;
    case 'artifact':
      return request.path;
  }
}

/** Source: lib/gitlab/ci/config/external/file/base.rb, template.rb, remote.rb (`validate_location!`) */
function problemOf({ request, span }: PlacedRequest): Diagnostic | undefined {
  if (request.kind === 'component') return undefined;
  const name = nameOf(request);
  const problem = (code: 'gitlab/include-address' | 'gitlab/include-extension', message: string): Diagnostic => {
    return { code, severity: 'error', message, span };
  };
  if (request.kind === 'remote' && !isWebAddress(name)) {
    return problem('gitlab/include-address', `\`${name}\` is not an address that a file can be fetched from`);
  }
  if (request.kind === 'template' && !name.endsWith('.gitlab-ci.yml')) {
    return problem('gitlab/include-extension', `the template \`${name}\` does not end in \`.gitlab-ci.yml\``);
  }
  if (/[^/]\.ya?ml$/i.test(name)) return undefined;
  return problem('gitlab/include-extension', `the included file \`${name}\` does not end in \`.yml\` or \`.yaml\``);
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\/\S+$/i.test(text) && URL.canParse(text);
}
