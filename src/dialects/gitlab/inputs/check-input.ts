import type { Diagnostic } from '../../../diagnostics/diagnostic.ts';
import { type Node, toValue } from '../../../syntax/node.ts';
import { nearest } from '../../../util/nearest.ts';
import { kindOf } from '../values.ts';
import { type Coerced, coerceInput, coerceText } from './coerce-input.ts';
import type { GivenInput, InputSource } from './given-inputs.ts';
import type { InputSpec, InputType } from './input-spec.ts';

/** A value to check: one that was given, or a default. */
export type InputCandidate = GivenInput | { readonly kind: 'default'; readonly node: Node };

/**
 * A value in the type of its input, if it fits type, options and regular expression; all that is wrong is told.
 * @param options the only values that are allowed; undefined: any.
 */
export function checkInput(
  spec: InputSpec,
  candidate: InputCandidate,
  options: readonly Node[] | undefined,
  { report }: InputSource,
): Node | undefined {
  const place = placeOf(spec, candidate);
  const coerced =
    candidate.kind === 'text'
      ? coerceText(spec.type, candidate.text, spec.keySpan)
      : coerceInput(spec.type, candidate.node);
  if (coerced.kind === 'wrong') {
    const message = `${place.subject} must be ${typeNames[spec.type]}, not ${place.value}`;
    report({ code: 'gitlab/input-type', severity: 'error', message, ...place.rest(typeHint(spec.type, candidate)) });
    return undefined;
  }
  if (candidate.kind !== 'text') warnOfConversion(coerced, candidate.node, place, report);
  const problem = optionProblem(coerced.node, spec.type, options) ?? regexProblem(coerced.node, spec);
  if (problem === undefined) return coerced.node;
  const message = `${place.subject} ${problem.message}`;
  report({ code: 'gitlab/input-not-allowed', severity: 'error', message, ...place.rest(problem.hint) });
  return undefined;
}

const typeNames: Readonly<Record<InputType, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
};

interface Place {
  /** How messages begin. */
  readonly subject: string;
  /** The value, as messages name it. */
  readonly value: string;
  readonly rest: (hint?: string) => Pick<Diagnostic, 'span' | 'hint' | 'related' | 'blames'>;
}

function placeOf({ name, keySpan }: InputSpec, candidate: InputCandidate): Place {
  const related = [{ message: `\`${name}\` is declared here`, span: keySpan }];
  const withHint = (hint: string | undefined) => (hint === undefined ? {} : { hint });
  if (candidate.kind === 'text') {
    return {
      subject: `\`--input ${name}\``,
      value: candidate.text.length > 60 ? 'a long text' : `\`${candidate.text}\``,
      rest: (hint) => ({ span: keySpan, blames: 'command-line', ...withHint(hint) }),
    };
  }
  const { span } = candidate.node;
  const value = kindOf(candidate.node);
  if (candidate.kind === 'default') {
    return { subject: `the default of the input \`${name}\``, value, rest: (hint) => ({ span, ...withHint(hint) }) };
  }
  return { subject: `the input \`${name}\``, value, rest: (hint) => ({ span, related, ...withHint(hint) }) };
}

function typeHint(type: InputType, candidate: InputCandidate): string | undefined {
  if (candidate.kind !== 'text') {
    return candidate.node.kind === 'reference' ? 'GitLab takes no tags in inputs' : undefined;
  }
  return type === 'array' ? 'write a list as JSON: \'["a", "b"]\'' : undefined;
}

function warnOfConversion(
  coerced: Extract<Coerced, { readonly kind: 'value' }>,
  written: Node,
  { subject, rest }: Place,
  report: InputSource['report'],
): void {
  if (!coerced.converted || coerced.node.kind !== 'scalar') return;
  const { text, value } = coerced.node;
  const what = typeof value === 'string' ? `text: \`${text}\`` : `the ${typeof value} ${text}`;
  const hint = typeof value === 'string' ? 'put it in quotes, or declare the type' : 'write it without quotes';
  const { span } = written;
  report({
    code: 'gitlab/input-converted',
    severity: 'warning',
    message: `${subject} becomes ${what}`,
    ...rest(hint),
    span,
  });
}

interface Problem {
  readonly message: string;
  readonly hint?: string;
}

function optionProblem(node: Node, type: InputType, options: readonly Node[] | undefined): Problem | undefined {
  if (options === undefined) return undefined;
  const wanted = node.kind === 'seq' ? node.items : [node];
  const allowed = new Set(options.map((option) => identity(option, type)));
  const wrong = wanted.find((item) => !allowed.has(identity(item, type)));
  if (wrong === undefined) return undefined;
  const texts = options.flatMap((option) => (option.kind === 'scalar' ? [option.text] : []));
  const [near] = wrong.kind === 'scalar' ? nearest(wrong.text, texts, 1) : [];
  const shown = texts.slice(0, 10).join(', ');
  const all = `allowed: ${shown}${texts.length > 10 ? ', …' : ''}`;
  const hint = near === undefined ? all : `did you mean \`${near}\`? ${all}`;
  return { message: `can't be ${kindOf(wrong)}: it is none of the options`, hint };
}

/** GitLab compares strings with options as text, other values as they are. */
function identity(node: Node, type: InputType): string {
  return type === 'string' && node.kind === 'scalar' && node.value !== null ? node.text : JSON.stringify(toValue(node));
}

function regexProblem(node: Node, { regex }: InputSpec): Problem | undefined {
  if (regex === undefined || node.kind !== 'scalar' || regex.test(node.text)) return undefined;
  return { message: `can't be ${kindOf(node)}: it does not match the \`regex\`` };
}
