import { describe, expect, it } from 'vitest';
import { createMasker } from '../../src/masking/masker.ts';

async function mask(secret: string, text: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  const masker = createMasker(
    { phrases: [secret] },
    {
      async write(bytes) {
        chunks.push(bytes);
      },
    },
  );
  await masker.write(Buffer.from(text));
  await masker.flush();
  return Buffer.concat(chunks).toString();
}

const secret = `p4ss/w"o'rd+&äö?>~~`;
const base64 = (before: string, after: string): string => Buffer.from(before + secret + after).toString('base64');

const forms: readonly [name: string, encoded: string][] = [
  ['base64, first alignment', base64('', '')],
  ['base64, second alignment', base64('x', 'yz')],
  ['base64, third alignment', base64('xy', 'z')],
  ['base64 without padding', base64('', '').replace(/=+$/, '')],
  ['base64 for URLs', Buffer.from(secret).toString('base64url')],
  ['hex', Buffer.from(secret).toString('hex')],
  ['percent encoding', encodeURIComponent(secret)],
  ['JSON', JSON.stringify(secret).slice(1, -1)],
  ['shell quotes', secret.replaceAll("'", "'\\''")],
];

describe('encoded forms', () => {
  for (const [name, encoded] of forms) {
    it.each([
      ['alone', encoded],
      ['in front', `${encoded} then more`],
      ['behind', `before: ${encoded}`],
    ])(`hides ${name} %s`, async (_where, text) => {
      const masked = await mask(secret, text);
      expect(masked).toContain('[MASKED]');
      // In base64 the characters at both ends depend on what stands around the secret as well.
      const visible = masked.replace('[MASKED]', '').replace(/ then more|before: /, '');
      expect(visible.length).toBeLessThanOrEqual(5);
    });
  }
});

const pem = [
  '-----BEGIN PRIVATE KEY-----',
  'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC',
  'Zk93d0l1Q2hQb2dYb1dqUmJFdGpMcXZT',
  'a2V5LWVuZA==',
  '-----END PRIVATE KEY-----',
];

describe('a secret of several lines', () => {
  it.each([
    ['as it is', pem.join('\n'), '[MASKED]'],
    ['with a newline at the end', `${pem.join('\n')}\n`, '[MASKED]\n'],
    ['a single line', `line: ${pem[2]}.`, 'line: [MASKED].'],
    ['with CRLF', pem.join('\r\n'), '[MASKED]'],
    ['indented', pem.map((line) => `    ${line}`).join('\n'), pem.map(() => '    [MASKED]').join('\n')],
    ['joined by blanks', pem.join(' '), pem.map(() => '[MASKED]').join(' ')],
  ])('is hidden %s', async (_name, text, expected) => {
    expect(await mask(`${pem.join('\n')}\n`, text)).toBe(expected);
  });
});
