import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../../src/util/process-command.ts';

/** A certificate authority of a test's own, in a folder. */
export interface Authority {
  /**
   * Makes a folder with `cert.pem` and `key.pem` that this authority has signed, and its `ca.pem`.
   * @param names as OpenSSL writes them: `IP:127.0.0.1,DNS:localhost`; absent: for a client.
   */
  issue(folder: string, given: { readonly names?: string; readonly expired?: boolean }): Promise<void>;
  readonly ca: string;
}

async function openssl(directory: string, ...args: string[]): Promise<void> {
  const env = { PATH: process.env.PATH ?? '', HOME: directory, RANDFILE: join(directory, '.rnd') };
  const { code, stderr } = await runCommand(['openssl', ...args], { directory, env });
  if (code !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
}

export async function makeAuthority(place: string, name: string): Promise<Authority> {
  const directory = join(place, name);
  mkdirSync(directory);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(directory, 'req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', `/CN=${name}`);
  writeFileSync(join(directory, 'index.txt'), '');
  writeFileSync(
    join(directory, 'ca.conf'),
    `[ca]
default_ca = it
[it]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
`,
  );
  return {
    ca: join(directory, 'ca.pem'),
    issue: async (folder, { names, expired = false }) => {
      mkdirSync(folder);
      const usage = names === undefined ? 'clientAuth' : `serverAuth,subjectAltName=${names}`;
      const extensions = [`extendedKeyUsage=${usage.split(',subject')[0]}`];
      if (names !== undefined) extensions.push(`subjectAltName=${names}`);
      const added = extensions.flatMap((extension) => ['-addext', extension]);
      const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'request.pem')];
      await openssl(directory, 'req', '-new', ...key, ...files, '-subj', '/CN=of a test', ...added);
      const dates = expired ? ['-startdate', '200101000000Z', '-enddate', '210101000000Z'] : ['-days', '2'];
      const signed = ['-in', join(folder, 'request.pem'), '-out', join(folder, 'cert.pem'), '-notext', '-batch'];
      await openssl(
        directory,
        'ca',
        '-config',
        'ca.conf',
        ...dates,
        '-cert',
        'ca.pem',
        '-keyfile',
        'ca.key',
        ...signed,
      );
      await runCommand(['cp', 'ca.pem', folder], { directory, env: { PATH: process.env.PATH ?? '' } });
    },
  };
}
