import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readXml } from '../../src/util/read-xml.ts';

function told(source: string): { readonly events: readonly string[]; readonly problem: string | undefined } {
  const events: string[] = [];
  const problem = readXml(source, {
    open: (name, attributes) =>
      events.push(`<${name}${[...attributes].map(([key, value]) => ` ${key}=${value}`).join('')}>`),
    text: (text) => text !== '' && events.push(text),
    close: (name) => events.push(`</${name}>`),
  });
  return { events, problem };
}

describe('readXml', () => {
  it('tells elements, attributes, text, CDATA', () => {
    const source = `\uFEFF<?xml version="1.0"?>\n<!-- <no> -->\n<a x="1 > 0" y='"'>t&amp;<b/><![CDATA[<c>&lt;]]></a>\n`;
    expect(told(source)).toEqual({
      events: ['<a x=1 > 0 y=">', 't&', '<b>', '</b>', '<c>&lt;', '</a>'],
      problem: undefined,
    });
  });

  it('replaces the five entities and numbers, and no others', () => {
    const source =
      '<!DOCTYPE a [ <!ENTITY e "boom > ]"> <!ENTITY f SYSTEM "file:///etc/passwd"> ]><a>&lt;&#65;&#x42;&e;&f;&#0;&#x110000;</a>';
    expect(told(source)).toEqual({ events: ['<a>', '<AB&e;&f;\uFFFD\uFFFD', '</a>'], problem: undefined });
  });

  it.each([
    ['', 'it holds no element'],
    ['plain text', 'it holds text outside of all elements, line 1'],
    ['<a>', 'it ends inside of <a>'],
    ['<a></b>', '</b> closes nothing, line 1'],
    ['<a/>\n<b/>', 'it has a second root element, line 2'],
    ['<a x=1/>', 'this is not a tag, line 1'],
    ['<a>\n< b/></a>', 'this is not a tag, line 2'],
    ['<a><!-- ', 'a comment is never closed, line 1'],
    ['<!DOCTYPE a [', 'a document type is never closed, line 1'],
    ['<a>'.repeat(257), 'its elements are nested more than 256 deep'],
  ])('%j: %s', (source, problem) => {
    expect(told(source).problem).toBe(problem);
  });

  it('takes any text without throwing, and what is escaped comes out as it went in', () => {
    const markup = fc.string({
      unit: fc.constantFrom('<', '>', '/', '!', '[', ']', '-', '"', '=', ' ', 'a', '&', ';', '#', '?'),
    });
    fc.assert(
      fc.property(markup, (source) => void told(source)),
      { numRuns: 500 },
    );
    const escaped = (text: string): string =>
      text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
    fc.assert(
      fc.property(fc.string(), (text) => {
        let read = '';
        let attribute = '';
        const problem = readXml(`<a x="${escaped(text)}">${escaped(text)}</a>`, {
          open: (_name, attributes) => {
            attribute = attributes.get('x') ?? '';
          },
          text: (piece) => {
            read += piece;
          },
          close: () => {},
        });
        expect([problem, read, attribute]).toEqual([undefined, text, text]);
      }),
    );
  });
});
