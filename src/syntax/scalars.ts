import type { Scalar } from './node.ts';

/** `yaml-1.1`: as Ruby's Psych reads (GitLab). `yaml-1.2`: the core schema plus merge keys (CircleCI). */
export type ScalarRules = 'yaml-1.1' | 'yaml-1.2';

/*
 * The 1.1 rules are those of Psych's ScalarScanner in its default (not strict) mode:
 * https://github.com/ruby/psych/blob/master/lib/psych/scalar_scanner.rb
 * Three that surprise: `1e3` has no dot and stays a string, `22:22` counts as hours and minutes in seconds (80520),
 * `1,000` is an integer. Dates and symbols stay strings here, for nothing in a pipeline wants them otherwise.
 */
const psychFloat = /^[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][-+][0-9]+)?$/;
const psychInteger = /^[-+]?(?:0b[01_,]+|0[0-7_,]+|0|[1-9](?:[0-9]|,[0-9]|_[0-9])*|0x[0-9a-fA-F_,]+)$/;
const psychSexagesimal = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}(?:\.[0-9_]*)?$/;
const coreInteger = /^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$/;
const coreFloat = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const separators = /[,_]/g;

const Plus = 0x2b;
const Minus = 0x2d;
const Dot = 0x2e;

/** Can a plain scalar that starts with this character be a number? */
function startsNumber(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === Dot || code === Minus || code === Plus;
}

/** A sign and the digits of an integer in any base, as a BigInt, so that long ids keep all their digits. */
function bigInteger(source: string, octalPrefix: '0' | '0o'): bigint | undefined {
  const negative = source.startsWith('-');
  const digits = (negative || source.startsWith('+') ? source.slice(1) : source).replace(separators, '');
  const isOctal =
    octalPrefix === '0' && digits.length > 1 && digits[0] === '0' && digits[1]! >= '0' && digits[1]! <= '9';
  const literal = isOctal ? `0o${digits.slice(1)}` : digits;
  if (literal === '' || (literal.length === 2 && literal[0] === '0' && literal[1]! > '9')) return undefined;
  const value = BigInt(literal);
  return negative ? -value : value;
}

/** Psych: `1:30` is 1 h 30 min = 5400, whatever number of parts comes (`60 ** (index - 2).abs`). */
function sexagesimal(source: string): number {
  let total = 0;
  source.split(':').forEach((part, index) => {
    total += Number(part.replace(separators, '')) * 60 ** Math.abs(index - 2);
  });
  return total;
}

function psychWord(source: string): Scalar {
  switch (source.toLowerCase()) {
    case 'yes':
    case 'true':
    case 'on':
      return true;
    case 'no':
    case 'false':
    case 'off':
      return false;
    case 'null':
    case '~':
      return null;
    default:
      return source;
  }
}

function infinityOrNan(source: string): number | undefined {
  if (source.length > 5) return undefined;
  switch (source.toLowerCase()) {
    case '.inf':
    case '+.inf':
      return Number.POSITIVE_INFINITY;
    case '-.inf':
      return Number.NEGATIVE_INFINITY;
    case '.nan':
      return Number.NaN;
    default:
      return undefined;
  }
}

function psychScalar(source: string): Scalar {
  if (source.length === 0) return null;
  if (!startsNumber(source.charCodeAt(0))) return source.length > 5 ? source : psychWord(source);
  const special = infinityOrNan(source);
  if (special !== undefined) return special;
  if (psychSexagesimal.test(source)) return sexagesimal(source);
  if (psychFloat.test(source)) {
    const digits = source.replace(separators, '');
    return digits === '.' || digits === '-.' || digits === '+.' ? source : Number(digits);
  }
  if (psychInteger.test(source)) {
    const value = bigInteger(source, '0');
    return value === undefined ? source : Number(value);
  }
  return source;
}

function coreScalar(source: string): Scalar {
  switch (source) {
    case '':
    case '~':
    case 'null':
    case 'Null':
    case 'NULL':
      return null;
    case 'true':
    case 'True':
    case 'TRUE':
      return true;
    case 'false':
    case 'False':
    case 'FALSE':
      return false;
  }
  if (!startsNumber(source.charCodeAt(0))) return source;
  if (/^[-+]?\.(?:inf|Inf|INF)$/.test(source)) {
    return source.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  if (source === '.nan' || source === '.NaN' || source === '.NAN') return Number.NaN;
  return coreInteger.test(source) || coreFloat.test(source) ? Number(source) : source;
}

/** The value of an untagged plain scalar. */
export function readPlainScalar(source: string, rules: ScalarRules): Scalar {
  return rules === 'yaml-1.1' ? psychScalar(source) : coreScalar(source);
}

/** Ruby writes a float with at least one decimal, and in powers of ten below 1e-4 and from 1e16 on. */
function rubyFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value < 0 ? '-Infinity' : 'Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) {
    const text = String(value);
    return text.includes('.') ? text : `${text}.0`;
  }
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  const sign = exponent.startsWith('-') ? '-' : '+';
  const power = exponent.slice(1).padStart(2, '0');
  return `${digits.includes('.') ? digits : `${digits}.0`}e${sign}${power}`;
}

function isFloatSource(source: string): boolean {
  return (
    psychFloat.test(source) || infinityOrNan(source) !== undefined || (source.includes(':') && source.includes('.'))
  );
}

/** What a plain scalar becomes where a string is wanted: Ruby's `to_s` of its value. `source` is the text in the file. */
export function plainScalarText(value: Scalar, source: string, rules: ScalarRules): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (rules === 'yaml-1.1') {
    if (isFloatSource(source)) return rubyFloat(value);
    return Number.isSafeInteger(value) ? String(value) : String(bigInteger(source, '0'));
  }
  if (Number.isSafeInteger(value) || !coreInteger.test(source)) return String(value);
  return String(bigInteger(source, '0o'));
}
