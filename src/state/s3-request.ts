/**
 * state/s3-request - one signed request to S3-compatible storage: its time limit, its repetitions, its faults.
 *
 * Requests are repeated after faults of the network and after answers that ask for it (408, 429, 5xx, content that was
 * damaged on the way), with growing pauses; all that we ask may be repeated. TLS is verified; plain HTTP is for loopback, unless the operator says otherwise.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { BlobMissing, BlobStoreAway, BlobStoreFull } from '../ports/blob-store.ts';

export interface S3Options {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Permits http:// to other machines. */
  readonly insecure: boolean;
  /** Longest wait for an answer, with the upload that it is about, and for a stream to go on; milliseconds. */
  readonly requestTimeout: number;
  readonly random: () => number;
}

export interface S3Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'HEAD' | 'DELETE';
  /** Below the bucket; empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Blob | Uint8Array<ArrayBuffer> | string;
  /** Of the body, lower-case hex: the server verifies what it got by it. */
  readonly sha256?: string;
}

const attempts = 5;
const shortestPause = 100;
const longestPause = 5_000;
const longestErrorText = 16 * 1024;
const sha256OfNothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Throws when the endpoint would send mail in the clear. */
export function requireSafeEndpoint({ endpoint, insecure }: S3Options): void {
  const { protocol, hostname } = new URL(endpoint);
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  if (protocol !== 'https:' && !loopback && !insecure)
    throw new Error(`blobs.endpoint ${endpoint} is not https: message bodies would be readable on the way`);
}

/** The answer (2xx, or 416 for a range beyond the end), with a body that is still to be read. Throws BlobMissing, BlobStoreFull, BlobStoreAway or the signal's reason. */
export async function ask(options: S3Options, request: S3Request, signal: AbortSignal): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await once(options, request, signal);
    if (outcome instanceof Response) return outcome;
    signal.throwIfAborted();
    if (!outcome.again || attempt === attempts) throw outcome.error;
    await pause(options, attempt, signal);
  }
}

/** Waits longer with each attempt; the half of it by chance, so that many do not come back at once. */
export async function pause(options: S3Options, attempt: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(longestPause, shortestPause * 2 ** attempt);
  await sleep(longest * (0.5 + options.random() / 2), undefined, { signal }).catch(() =>
    signal.throwIfAborted(),
  );
}

interface Fault {
  readonly error: Error;
  readonly again: boolean;
}

async function once(options: S3Options, request: S3Request, signal: AbortSignal): Promise<Response | Fault> {
  const url = new URL(`${options.endpoint.replace(/\/$/, '')}/${options.bucket}/${request.key}`);
  for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error('no answer in time')), options.requestTimeout);
  try {
    const signed = await new AwsV4Signer({
      method: request.method,
      url: url.href,
      headers: { ...request.headers, 'x-amz-content-sha256': request.sha256 ?? sha256OfNothing },
      accessKeyId: options.accessKeyId,
      secretAccessKey: options.secretAccessKey,
      region: options.region,
      service: 's3',
    }).sign();
    const response = await fetch(signed.url, {
      method: signed.method,
      headers: signed.headers,
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit.signal]),
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    if (response.ok || response.status === 416) return response;
    return await refusal(response, request, options);
  } catch (thrown) {
    const cause = (thrown as { cause?: Error }).cause;
    const why = `${(thrown as Error).message}${cause?.message ? `: ${cause.message}` : ''}`;
    return {
      error: new BlobStoreAway(`${options.endpoint} cannot be reached: ${why}`, { cause: thrown }),
      again: true,
    };
  } finally {
    clearTimeout(timer);
  }
}

async function refusal(response: Response, request: S3Request, options: S3Options): Promise<Fault> {
  const text = await response
    .text()
    .then((whole) => whole.slice(0, longestErrorText))
    .catch(() => '');
  const code = /<Code>([^<]{1,100})<\/Code>/.exec(text)?.[1] ?? '';
  const said = `${options.endpoint} answered ${response.status} ${code} to ${request.method} in bucket ${options.bucket}`;
  if (response.status === 404 && code !== 'NoSuchBucket' && code !== 'NoSuchUpload' && request.key !== '')
    return { error: new BlobMissing(`there is no blob ${request.key}`), again: false };
  if (response.status === 507 || /Full|Quota|InsufficientStorage/i.test(code))
    return { error: new BlobStoreFull(said), again: false };
  const damaged = code === 'XAmzContentSHA256Mismatch' || code === 'BadDigest' || code === 'RequestTimeout';
  const again = damaged || response.status >= 500 || response.status === 429 || response.status === 408;
  return { error: new BlobStoreAway(said), again };
}
