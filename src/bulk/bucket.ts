/**
 * Pictures in buckets: `s3://bucket/key`, on S3 or whatever speaks its protocol. Settings are those of the AWS command line, in
 * the environment.
 */
import { AwsClient } from 'aws4fetch';

export function isBucketAddress(text: string): boolean {
  return /^s3:\/\//i.test(text);
}

/**
 * Signed where there are credentials; else for a bucket that anyone may read.
 * @param environment `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL_S3`
 */
export async function bucketRequest(
  address: string,
  environment: Record<string, string | undefined> = process.env,
): Promise<Request> {
  const region = environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? 'us-east-1';
  const endpoint =
    environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL ?? `https://s3.${region}.amazonaws.com`;
  // A key may hold any character, `?` and `#` too.
  const path = address.slice('s3://'.length).split('/').map(encodeURIComponent).join('/');
  const url = `${endpoint.replace(/\/$/, '')}/${path}`;
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  if (!accessKeyId || !secretAccessKey) return new Request(url);
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    sessionToken: environment.AWS_SESSION_TOKEN,
    service: 's3',
    region,
  });
  return client.sign(url);
}
