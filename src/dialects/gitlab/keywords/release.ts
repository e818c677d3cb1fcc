import { type ReleaseLink, releaseLinkTypes } from '../../../model/deployment.ts';
import type { ReleaseStep } from '../../../model/step.ts';
import type { MapNode, Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { simulated } from '../support.ts';
import { field, flatItems, kindOf, readText, textField, textsField, wordField } from '../values.ts';

/** A release that a server makes after the job's script; here it is worked out and shown. */
export const release: Keyword<ReleaseStep> = {
  name: 'release',
  scopes: ['job'],
  support: simulated('checked and shown with its variables expanded; no release is made'),
  parts: Object.fromEntries(
    ['tag_name', 'tag_message', 'name', 'description', 'ref', 'milestones', 'released_at', 'assets:links'].map(
      (key) => [key, simulated('checked and shown')],
    ),
  ),
  read: ({ value: node }, reading) => {
    if (node.kind !== 'map') {
      invalidValue(reading, node.span, `\`release\` must be a map, not ${kindOf(node)}`);
      return undefined;
    }
    const tagName = textField(node, 'tag_name', 'release:tag_name', reading);
    const description = textField(node, 'description', 'release:description', reading);
    if (!tagName || !description) {
      const missing = tagName ? 'description' : 'tag_name';
      if (!field(node, missing)) invalidValue(reading, node.span, `\`release\` has no \`${missing}\``);
      return undefined;
    }
    return {
      ...{ kind: 'release', phase: 'script', when: 'on_success', tagName, description },
      ...optionalTexts(node, reading),
      milestones: textsField(node, 'milestones', 'release:milestones', reading) ?? [],
      links: readLinks(node, reading),
    };
  },
};

type OptionalTexts = Pick<ReleaseStep, 'name' | 'ref' | 'tagMessage' | 'releasedAt'>;

function optionalTexts(node: MapNode, reading: Reading): OptionalTexts {
  const name = textField(node, 'name', 'release:name', reading);
  const tagMessage = textField(node, 'tag_message', 'release:tag_message', reading);
  const ref = textField(node, 'ref', 'release:ref', reading);
  if (ref !== undefined && /[\s~^:?*[\\]|\.\./.test(ref)) {
    invalidValue(reading, field(node, 'ref')!.value.span, `\`release:ref\` is no branch, tag or commit: \`${ref}\``);
  }
  const releasedAt = readDate(node, reading);
  return {
    ...(name === undefined ? {} : { name }),
    ...(tagMessage === undefined ? {} : { tagMessage }),
    ...(ref === undefined ? {} : { ref }),
    ...(releasedAt === undefined ? {} : { releasedAt }),
  };
}

/** Variables are not replaced here before it is checked. Source: lib/gitlab/ci/config/entry/release.rb */
function readDate(node: MapNode, reading: Reading): string | undefined {
  const text = textField(node, 'released_at', 'release:released_at', reading);
  if (text === undefined || /\$\[\[/.test(text)) return text;
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  const hint = 'write it like `2026-03-15T08:00:00Z`; variables are not replaced here';
  invalidValue(reading, field(node, 'released_at')!.value.span, '`release:released_at` must be a date', hint);
  return undefined;
}

function readLinks(node: MapNode, reading: Reading): readonly ReleaseLink[] {
  const assets = field(node, 'assets');
  const links = assets && field(assets.value, 'links');
  return links
    ? flatItems(links.value, 'release:assets:links', reading).flatMap((item) => readLink(item, reading))
    : [];
}

function readLink(node: Node, reading: Reading): readonly ReleaseLink[] {
  const what = 'release:assets:links';
  const name = textField(node, 'name', `${what}:name`, reading);
  const url = field(node, 'url');
  const address = url && readText(url.value, `${what}:url`, reading);
  if (name === undefined || url === undefined || address === undefined) return [];
  if (!/^(https?|ftp):\/\/./i.test(address) && !address.startsWith('$')) {
    const hint = 'it starts with `http://`, `https://` or `ftp://`, or with a variable';
    invalidValue(reading, url.value.span, `the \`url\` of a link must be an address, not ${kindOf(url.value)}`, hint);
  }
  const filepath = textField(node, 'filepath', `${what}:filepath`, reading);
  const linkType = wordField(node, 'link_type', `${what}:link_type`, releaseLinkTypes, reading);
  return [
    {
      ...{ name, url: address },
      ...(filepath === undefined ? {} : { filepath }),
      ...(linkType === undefined ? {} : { linkType }),
    },
  ];
}
