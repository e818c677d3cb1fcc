import { type ImageName, parseImageName } from '../../model/image-name.ts';
import { SystemError } from '../../model/outcome.ts';

/**
 * Reads the name of an image as Docker does.
 * @throws SystemError image_pull_failure for what can't be a name, with what may have been meant.
 */
export function readImageName(text: string): ImageName {
  const name = parseImageName(text);
  if (name.kind !== 'bad') return name;
  const hint = /has no value|write|did you/.test(name.hint)
    ? name.hint
    : `${name.hint}; has a variable in it no value?`;
  throw new SystemError('image_pull_failure', name.message, { hint });
}
