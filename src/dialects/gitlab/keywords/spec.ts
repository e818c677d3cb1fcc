import type { Node } from '../../../syntax/node.ts';
import { checkInputRules } from '../inputs/check-input-rules.ts';
import { type InputSpec, readInputSpecs } from '../inputs/input-spec.ts';
import type { Keyword } from '../keyword.ts';
import { isAbsent } from '../merge.ts';
import { invalidValue } from '../reading.ts';
import { runs } from '../support.ts';
import { field, kindOf, readTexts, textField } from '../values.ts';

/** What the header of a file says. */
export interface Header {
  readonly inputs: readonly InputSpec[];
  /** What blocks may ask for as `$[[ component.… ]]`. */
  readonly component: readonly string[];
  /** Files with further inputs, as `include` is written. */
  readonly include?: Node;
}

/** The header document that declares inputs. Source: https://docs.gitlab.com/ci/yaml/#header-keywords */
export const spec: Keyword<Header> = {
  name: 'spec',
  scopes: ['header'],
  parts: runs(
    'inputs',
    'inputs:type',
    'inputs:default',
    'inputs:options',
    'inputs:regex',
    'inputs:description',
    'inputs:rules',
    'inputs:rules:if',
    'inputs:rules:options',
    'inputs:rules:default',
    'component',
    'include',
    'description',
  ),
  read: ({ value }, reading) => {
    if (value.kind !== 'map') {
      invalidValue(reading, value.span, `\`spec\` must be a map, not ${kindOf(value)}`);
      return undefined;
    }
    textField(value, 'description', 'spec:description', reading);
    const inputs = field(value, 'inputs');
    const component = field(value, 'component');
    const include = field(value, 'include');
    const specs = inputs && !isAbsent(inputs.value) ? readInputSpecs(inputs.value, 'spec', reading) : [];
    if (include === undefined) checkInputRules(specs, reading);
    return {
      inputs: specs,
      component: component ? readTexts(component.value, 'spec:component', reading) : [],
      ...(include === undefined ? {} : { include: include.value }),
    };
  },
};
