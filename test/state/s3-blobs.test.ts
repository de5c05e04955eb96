import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type BlobStore, BlobStoreAway, BlobStoreFull } from '../../src/ports/blob-store.ts';
import { silentLog } from '../../src/ports/log.ts';
import { openS3Blobs, type S3BlobsOptions } from '../../src/state/s3-blobs.ts';
import { blobStoreContract } from '../contract/blob-store.ts';
import { credentials, startS3, type TestS3 } from './s3-server.ts';

const never = new AbortController().signal;
const partSize = 5 * 1024 * 1024;

const optionsFor = (s3: TestS3, folder: string): S3BlobsOptions => ({
  ...credentials,
  endpoint: s3.endpoint,
  bucket: s3.bucket,
  prefix: 'isthmus/',
  insecure: false,
  requestTimeout: 1_000,
  temporaryFolder: folder,
  partSize,
  now: () => new Date(),
  random: () => 0,
  log: silentLog,
});

blobStoreContract('blobs in S3', async () => {
  const s3 = await startS3();
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-s3-'));
  let now = new Date();
  const store = await openS3Blobs({ ...optionsFor(s3, folder), requestTimeout: 10_000, now: () => now });
  return {
    store,
    at: (to: Date) => {
      now = to;
    },
    leftovers: async () => readdirSync(folder),
    bigSize: 2 * partSize + 12_345,
    close: async () => {
      rmSync(folder, { recursive: true, force: true });
      await s3.close();
    },
  };
});

let s3: TestS3;
let folder: string;
let store: BlobStore;
beforeAll(async () => {
  s3 = await startS3();
  folder = mkdtempSync(join(tmpdir(), 'isthmus-s3-'));
  store = await openS3Blobs(optionsFor(s3, folder));
});
beforeEach(() => {
  s3.asked.length = 0;
  s3.interfere = () => false;
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await s3.close();
});

test('a request that met a 503 or a cut connection is made again', async () => {
  let faults = 0;
  s3.interfere = (req, res) => {
    if (faults >= 2) return false;
    if (faults++ === 0) {
      req.resume();
      res.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
    } else req.socket.destroy();
    return true;
  };
  const { key } = await store.write(content('again'), never);
  expect(s3.asked.filter((line) => line.startsWith('PUT'))).toHaveLength(3);
  expect(await read(key)).toBe('again');
});

test('a server that never answers is BlobStoreAway within bounds', async () => {
  s3.interfere = () => true;
  const quick = await openS3Blobs({ ...optionsFor(s3, folder), requestTimeout: 50 });
  await expect(quick.write(content('x'), never)).rejects.toBeInstanceOf(BlobStoreAway);
  expect(s3.asked.length).toBe(5);
});

test('a server that is not there is BlobStoreAway, and says where', async () => {
  const nowhere = await openS3Blobs({ ...optionsFor(s3, folder), endpoint: 'http://127.0.0.1:1' });
  await expect(nowhere.write(content('x'), never)).rejects.toThrow(
    /127\.0\.0\.1:1 cannot be reached: .*bad port|ECONNREFUSED/,
  );
});

test('a bucket that is missing, or keys that are wrong, are BlobStoreAway and never BlobMissing', async () => {
  const elsewhere = await openS3Blobs({ ...optionsFor(s3, folder), bucket: 'other' });
  const key = `2026010101-${'0'.repeat(64)}`;
  await expect(elsewhere.write(content('x'), never)).rejects.toThrow(
    /404 NoSuchBucket to PUT in bucket other/,
  );
  await expect(Array.fromAsync(elsewhere.read(key, never))).rejects.toBeInstanceOf(BlobStoreAway);
  const stranger = await openS3Blobs({
    ...optionsFor(s3, folder),
    accessKeyId: 'nobody',
    secretAccessKey: 'very secret',
  });
  const refused = stranger.write(content('x'), never);
  await expect(refused).rejects.toThrow(/403 InvalidAccessKeyId/);
  await expect(refused).rejects.not.toThrow(/very secret/);
});

test('a range of an empty blob, which S3 answers with 416, is empty', async () => {
  const { key } = await store.write(content(''), never);
  s3.interfere = (req, res) => {
    if (!req.headers.range) return false;
    res.writeHead(416).end('<Error><Code>InvalidRange</Code></Error>');
    return true;
  };
  expect(await Array.fromAsync(store.read(key, never, { start: 0, end: 10 }))).toEqual([]);
});

test('content that changes on the way is sent again', async () => {
  let bent = 0;
  s3.bend = (body) => (bent++ === 0 ? Buffer.concat([body, Buffer.from('!')]).subarray(1) : body);
  const { key } = await store.write(content('precious'), never);
  s3.bend = (body) => body;
  expect(s3.asked.filter((line) => line.startsWith('PUT'))).toHaveLength(2);
  expect(await read(key)).toBe('precious');
});

test('storage that says it is full is BlobStoreFull', async () => {
  s3.interfere = (req, res) => {
    req.resume();
    res.writeHead(507).end('<Error><Code>XMinioStorageFull</Code></Error>');
    return true;
  };
  await expect(store.write(content('x'), never)).rejects.toBeInstanceOf(BlobStoreFull);
});

test('a download that breaks off goes on where it stopped', async () => {
  const whole = randomBytes(900_000);
  const { key } = await store.write(content(whole), never);
  let cut = 0;
  s3.interfere = (req, res) => {
    const from = Number(/bytes=(\d+)-/.exec(req.headers.range ?? '')?.[1] ?? 0);
    if (req.method !== 'GET' || cut++ >= 2) return false;
    res.writeHead(req.headers.range ? 206 : 200, { 'content-length': whole.length - from });
    res.write(whole.subarray(from, from + 300_000), () => res.destroy());
    return true;
  };
  const got = Buffer.concat(await Array.fromAsync(store.read(key, never)));
  expect(got.equals(whole)).toBe(true);
  expect(s3.asked.filter((line) => line.startsWith('GET'))).toHaveLength(3);
});

test('a multipart upload that fails is aborted', async () => {
  s3.interfere = (req, res) => {
    if (!req.url?.includes('partNumber=2')) return false;
    req.resume();
    res.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>');
    return true;
  };
  await expect(store.write(content(randomBytes(partSize + 10)), never)).rejects.toThrow(/403 AccessDenied/);
  expect(s3.asked.some((line) => line.startsWith('DELETE') && line.includes('uploadId='))).toBe(true);
  expect(readdirSync(folder)).toEqual([]);
});

test('a size that differs from what was sent is not answered for', async () => {
  s3.interfere = (req, res) => {
    if (req.method !== 'HEAD') return false;
    res.writeHead(200, { 'content-length': '3' }).end();
    return true;
  };
  await expect(store.write(content('four'), never)).rejects.toThrow(/keeps 3 octets of 4/);
});

test('keys are listed over several pages, and no further than asked for', async () => {
  // s3rver fails at truncated lists on this Node, so the pages are cut here.
  const hours = ['2026010100', '2026010101', '2026010102', '2026010103'];
  const names = hours.flatMap((hour) =>
    ['aa', 'bb'].map((shelf) => `isthmus/${hour}/${shelf}/${shelf.repeat(32)}`),
  );
  s3.interfere = (req, res) => {
    const query = new URL(req.url ?? '', s3.endpoint).searchParams;
    if (query.get('list-type') !== '2' || query.get('prefix') !== 'isthmus/') return false;
    const rest = names.filter((name) => name > (query.get('start-after') ?? ''));
    const items = rest.slice(0, 3).map((name) => `<Contents><Key>${name}</Key><Size>5</Size></Contents>`);
    const truncated = `<IsTruncated>${rest.length > 3}</IsTruncated>`;
    res.writeHead(200).end(`<ListBucketResult>${truncated}${items.join('')}</ListBucketResult>`);
    return true;
  };
  const listed = await Array.fromAsync(store.list(new Date('2026-01-01T02:00:00Z'), never));
  expect(listed.map(({ key }) => `${key.slice(0, 13)} `).join('')).toBe(
    '2026010100-aa 2026010100-bb 2026010101-aa 2026010101-bb ',
  );
  expect(s3.asked).toHaveLength(2);
  expect(await Array.fromAsync(store.list(new Date('2027-01-01T00:00:00Z'), never))).toHaveLength(8);
});

test('plain http is for loopback only, unless the operator insists', async () => {
  const outside = { ...optionsFor(s3, folder), endpoint: 'http://s3.example.org' };
  await expect(openS3Blobs(outside)).rejects.toThrow('is not https');
  await openS3Blobs({ ...outside, insecure: true });
  await openS3Blobs({ ...outside, endpoint: 'https://s3.example.org' });
});

async function* content(data: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield Buffer.from(data);
}

const read = async (key: string): Promise<string> =>
  Buffer.concat(await Array.fromAsync(store.read(key, never))).toString();
