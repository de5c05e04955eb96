/**
 * state/s3-server - an S3 server on loopback for the tests (npm s3rver, which is CommonJS and has no types), with a relay
 * in front that does what s3rver leaves out (comparing content with the hash that the request is signed over), and in which
 * a test can make requests fail.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface S3rver {
  run(): Promise<AddressInfo>;
  httpServer: Server;
}

const S3rver = createRequire(import.meta.url)('s3rver') as new (options: object) => S3rver;

export const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER', region: 'us-east-1' };

export interface TestS3 {
  readonly endpoint: string;
  readonly bucket: string;
  /** What came in, `METHOD /path?query`. */
  readonly asked: string[];
  /** Looked at before each request is passed on; true when it was answered already. */
  interfere: (req: IncomingMessage, res: ServerResponse) => boolean;
  /** What becomes of a body on its way. */
  bend: (body: Buffer) => Buffer;
  close(): Promise<void>;
}

export async function startS3(): Promise<TestS3> {
  const directory = mkdtempSync(join(tmpdir(), 'isthmus-s3-'));
  const bucket = 'mail';
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  const { port } = await server.run();
  const relay = createServer();
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const test: TestS3 = {
    endpoint: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    bucket,
    asked: [],
    interfere: () => false,
    bend: (body) => body,
    close: async () => {
      for (const each of [relay, server.httpServer]) {
        each.closeAllConnections();
        await new Promise((resolve) => each.close(resolve));
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
  relay.on('request', async (req, res) => {
    test.asked.push(`${req.method} ${req.url}`);
    if (test.interfere(req, res)) return;
    const body = test.bend(Buffer.concat(await Array.fromAsync(req)));
    if (createHash('sha256').update(body).digest('hex') !== req.headers['x-amz-content-sha256']) {
      res.writeHead(400).end('<Error><Code>XAmzContentSHA256Mismatch</Code></Error>');
      return;
    }
    const { method, url: path, headers } = req;
    const onward = request({ port, host: '127.0.0.1', method, path, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(res);
    });
    onward.on('error', () => res.destroy());
    onward.end(body);
  });
  return test;
}
