import { present } from '../../util/present.ts';
import type { RunnerCache, S3Cache } from './runner-config.ts';
import type { TomlFields } from './toml-fields.ts';

/** Reads `[runners.cache]`. */
export function readCache(fields: TomlFields | undefined): RunnerCache {
  const s3 = fields?.table('s3');
  const type = fields?.filled('Type');
  if (type !== undefined && type !== 's3') {
    fields?.problem('Type', 'warning', `can't be "${type}" here, only "s3": caches stay on this machine`);
  }
  const values = s3 === undefined ? undefined : readS3(s3);
  const problem = type === 's3' ? s3Problem(values) : undefined;
  if (problem !== undefined) fields?.problem('s3', 'warning', `${problem}: caches stay on this machine`);
  const cache: RunnerCache = {
    path: fields?.text('Path') ?? '',
    shared: fields?.boolean('Shared') ?? false,
    maxUploadedArchiveSize: fields?.integer('MaxUploadedArchiveSize') ?? 0,
    ...present({ type, s3: problem === undefined ? values : undefined }),
  };
  fields?.unused(['gcs', 'azure'], 'does nothing: only "s3" is supported');
  fields?.rest();
  return cache;
}

/** Why caches can't be kept in a bucket; a clause. */
function s3Problem(s3: S3Cache | undefined): string | undefined {
  if (s3 === undefined || s3.bucketName === '') return 'must have a `BucketName`';
  if (s3.authenticationType === 'iam') return "can't be used with the `AuthenticationType` iam here, only with keys";
  if (s3.accessKey === '' || s3.secretKey === '') return "can't be used without `AccessKey` and `SecretKey` here";
  if (!/^(https?:\/\/)?[\w.-]+(:\d+)?\/*$|^(https?:\/\/)?\[[\da-f:]+\](:\d+)?\/*$/i.test(s3.serverAddress)) {
    return 'must have a `ServerAddress` like "host:port"';
  }
  return undefined;
}

function readS3(fields: TomlFields): S3Cache {
  const s3: S3Cache = {
    serverAddress: fields.filled('ServerAddress') ?? 's3.amazonaws.com',
    accessKey: fields.text('AccessKey') ?? '',
    secretKey: fields.text('SecretKey') ?? '',
    sessionToken: fields.text('SessionToken') ?? '',
    bucketName: fields.text('BucketName') ?? '',
    bucketLocation: fields.text('BucketLocation') ?? '',
    insecure: fields.boolean('Insecure') ?? false,
    ...present({
      authenticationType: fields.filled('AuthenticationType'),
      serverSideEncryption: fields.filled('ServerSideEncryption'),
      serverSideEncryptionKeyId: fields.filled('ServerSideEncryptionKeyID'),
      accelerate: fields.boolean('Accelerate'),
      pathStyle: fields.boolean('PathStyle'),
    }),
  };
  fields.unused(['DualStack'], 'does nothing: addresses are looked up as they are written');
  fields.unused(['RoleARN', 'UploadRoleARN'], 'does nothing: the keys are used for everything');
  fields.rest();
  return s3;
}
