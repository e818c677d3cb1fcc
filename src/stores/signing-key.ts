import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withFileErrorsNow } from '../model/file-errors.ts';
import { errorCode } from '../util/files/file-problem.ts';

/** The key of this machine that ID tokens are signed with. */
export interface SigningKey {
  readonly key: KeyObject;
  /** `kid` of the tokens and of the key set. */
  readonly id: string;
}

/** Where the public half lies, as a JSON Web Key Set that services can be given. */
export function keySetPath(stateDirectory: string): string {
  return join(stateDirectory, 'id-tokens', 'jwks.json');
}

/**
 * Reads the key, or makes it the first time; of several processes that do so at once one wins. It never leaves this machine and only
 * its owner can read it.
 * @param stateDirectory `$XDG_STATE_HOME/ci`.
 * @throws SystemError when it can neither be read nor written.
 */
export function signingKey(stateDirectory: string): SigningKey {
  const directory = join(stateDirectory, 'id-tokens');
  const path = join(directory, 'key.pem');
  return withFileErrorsNow({ doing: 'make the key for ID tokens', path }, () => {
    const pem = readIfThere(path) ?? makeKey(directory, path);
    const key = createPrivateKey(pem);
    const { n, e } = createPublicKey(key).export({ format: 'jwk' });
    // RFC 7638: the members in this order, nothing else.
    const id = createHash('sha256')
      .update(JSON.stringify({ e, kty: 'RSA', n }))
      .digest('base64url');
    const keys = [{ kty: 'RSA', kid: id, use: 'sig', alg: 'RS256', n, e }];
    if (readIfThere(keySetPath(stateDirectory)) === undefined) {
      writeFileSync(keySetPath(stateDirectory), `${JSON.stringify({ keys }, undefined, 2)}\n`);
    }
    return { key, id };
  });
}

function makeKey(directory: string, path: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const temporary = join(directory, `.tmp-${randomBytes(6).toString('hex')}`);
  writeFileSync(temporary, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return readFileSync(path, 'utf8');
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
