import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test, type TestContext } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { ApplicationFailure } from '@temporalio/common';
import { generatedSource } from '../../dev/sample-api/generated-source.ts';
import { startSampleApi, type FaultAction, type SampleApi } from '../../dev/sample-api/server.ts';
import { Downloader, type DownloadLimits } from '../../pipeline/extract/download.ts';
import { FileAddresses } from '../../pipeline/extract/file-address.ts';
import { sampleUrls } from '../support/sample-urls.ts';
import { LOAD_DATE, ORDERS } from './support.ts';

const LIMITS: DownloadLimits = { maxBytes: 1_000_000, idleTimeoutMs: 500, minBytesPerIdleTimeout: 5_000 };

let api: SampleApi;
let url: string;
const downloader = new Downloader(LIMITS, new FileAddresses('http://127.0.0.1'));
const uncaught: unknown[] = [];
const onUncaught = (error: unknown) => uncaught.push(error);

before(async () => {
  process.on('uncaughtException', onUncaught);
  api = await startSampleApi({ source: generatedSource(), pollsUntilReady: 0 });
  url = (await sampleUrls(api, LOAD_DATE))[ORDERS] ?? '';
});

after(async () => {
  await downloader.close();
  await api.close();
  process.off('uncaughtException', onUncaught);
  assert.deepEqual(uncaught, [], 'a response that is given up must not end the worker');
});

async function download(address: string, warnings: string[] = [], signal = new AbortController().signal) {
  const chunks: Buffer[] = [];
  const warn = (warning: string) => warnings.push(warning);
  for await (const chunk of downloader.download(ORDERS, address, signal, warn)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface Refusal {
  type: string;
  retryable: boolean;
  message?: RegExp;
  nextRetryDelay?: number;
}

const interrupted = (message = /./): Refusal => ({ type: 'DownloadInterrupted', retryable: true, message });
const notAvailable = (status: number): Refusal => ({
  type: 'FileNotAvailable',
  retryable: false,
  message: new RegExp(`answered ${status}`),
});
const tooLarge = (message = /MAX_FILE_BYTES/): Refusal => ({
  type: 'FileTooLarge',
  retryable: false,
  message,
});

/** The download fails like this, and tells no secret. */
async function assertFails(address: string, refusal: Refusal): Promise<void> {
  await assert.rejects(download(address), (error: unknown) => {
    assert.ok(error instanceof ApplicationFailure, String(error));
    assert.equal(error.type, refusal.type, error.message);
    assert.equal(error.nonRetryable, !refusal.retryable);
    assert.match(error.message, new RegExp(ORDERS));
    if (refusal.message) assert.match(error.message, refusal.message);
    assert.equal(error.nextRetryDelay, refusal.nextRetryDelay);
    const told = JSON.stringify([error, error.message, error.stack, error.cause]);
    assert.doesNotMatch(told, /Signature|secret/i);
    return true;
  });
}

/** The address of a server that answers so. */
async function served(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.csv?secret=1`;
}

describe('a download', () => {
  test('brings the file, and sends none of the API’s headers to the storage', async () => {
    const warnings: string[] = [];
    assert.match((await download(url, warnings)).toString(), /^id,uniq_id,.*Москва/s);
    assert.deepEqual(warnings, []);
    const names = api.requests
      .filter(({ endpoint }) => endpoint === 'storage')
      .flatMap(({ headers }) => Object.keys(headers));
    assert.deepEqual([...new Set(names)].sort(), ['accept', 'accept-encoding', 'connection', 'host']);
  });

  test('may be slow as long as it is fast enough', async () => {
    api.addFault({ on: 'storage', do: 'trickle', bytesPerSecond: 100_000 });
    assert.ok((await download(url)).length > 100_000);
  });

  test('of a million bytes exactly is let in', async (t) => {
    const address = await served(t, (_, response) => response.end(Buffer.alloc(LIMITS.maxBytes, 'x')));
    assert.equal((await download(address)).length, LIMITS.maxBytes);
  });
});

describe('a download fails when', () => {
  const faults: [name: string, action: FaultAction, refusal: Refusal][] = [
    ['the body is cut off', { do: 'truncate', afterBytes: 1_000 }, interrupted()],
    ['the body lacks its last byte', { do: 'truncate', afterBytes: 10_000_000 }, interrupted()],
    ['the connection is reset within the body', { do: 'reset', afterBytes: 70_000 }, interrupted()],
    ['the connection is reset before the answer', { do: 'reset' }, interrupted()],
    ['bytes only trickle', { do: 'trickle', bytesPerSecond: 2_000 }, interrupted(/too slow/)],
    ['nothing is answered', { do: 'hang' }, interrupted()],
    ['the storage answers 500', { do: 'status', status: 500, body: 'x'.repeat(100_000) }, interrupted(/500/)],
    ['the storage answers 206', { do: 'status', status: 206, body: 'part' }, interrupted(/answered 206/)],
    ['the address has expired', { do: 'status', status: 403 }, notAvailable(403)],
    ['the file is not there', { do: 'status', status: 404, body: 'x'.repeat(100_000) }, notAvailable(404)],
    ['the file is gone', { do: 'status', status: 410 }, notAvailable(410)],
    [
      'it is redirected',
      { do: 'status', status: 302, headers: { Location: 'http://127.0.0.1:1/?secret' } },
      { type: 'UnsafeAddress', retryable: false, message: /redirects are not followed/ },
    ],
    ['the file is too large and does not say so', { do: 'endless' }, tooLarge()],
  ];
  for (const [name, action, refusal] of faults) {
    test(name, async () => {
      api.addFault({ on: 'storage', ...action });
      const requests = api.requests.length;
      await assertFails(url, refusal);
      assert.equal(api.requests.length, requests + 1);
    });
  }

  const answers: [name: string, answer: RequestListener, refusal: Refusal][] = [
    [
      'the file is too large and says so, before a byte is written',
      (_, response) => response.writeHead(200, { 'Content-Length': 1_000_001 }).flushHeaders(),
      tooLarge(/has 1000001 bytes or more; MAX_FILE_BYTES allows 1000000/),
    ],
    ['nothing comes for a while within the body', (_, response) => response.write('id,'), interrupted()],
    // Retry-After of the storage is waited for, a minute at most.
    ...[
      ['7', 7_000],
      ['3600', 60_000],
    ].map(([retryAfter = '', nextRetryDelay]): [string, RequestListener, Refusal] => [
      `the storage answers 503 and asks for ${retryAfter} s`,
      (_, response) => response.writeHead(503, { 'Retry-After': retryAfter }).end(),
      { ...interrupted(/answered 503/), nextRetryDelay: Number(nextRetryDelay) },
    ]),
  ];
  for (const [name, answer, refusal] of answers)
    test(name, async (t) => assertFails(await served(t, answer), refusal));

  test('the connection is refused, the signature is wrong, or the address is none', async () => {
    await assertFails('http://127.0.0.1:1/file?secret=1', interrupted(/ECONNREFUSED/));
    await assertFails(url.replace(/Signature=[0-9a-f]+/, 'Signature=forged-secret'), notAvailable(403));
    await assertFails('ftp://host/file?secret', { type: 'UnsafeAddress', retryable: false });
  });
});

describe("the storage's Content-Encoding (contract, rulings 31, 49)", () => {
  const csv = 'Молоко,100\n'.repeat(20_000);
  const plain = Buffer.from(csv);
  const [gzip, deflate, br] = [gzipSync(csv), deflateSync(csv), brotliCompressSync(csv)];

  test('is decoded', async (t) => {
    for (const [encoding, body] of [
      ['gzip', gzip],
      ['deflate', deflate],
      ['br', br],
      // Without zlib's header.
      ['deflate', deflateRawSync(csv)],
      ['GZip', gzip],
      ['identity, gzip', gzip],
      ['br,gzip', gzipSync(br)],
    ] as const) {
      const warnings: string[] = [];
      assert.equal((await download(await sent(t, encoding, body), warnings)).toString(), csv, encoding);
      assert.deepEqual(warnings, []);
    }
  });

  test('that is none is told, and the bytes decide', async (t) => {
    const words = 'utf-8 UTF8 aws-chunked binary text/csv none constructor br? zstd-of-tomorrow'.split(' ');
    const cases: [encoding: string, body: Buffer, decoded: Buffer][] = [
      ...words.map((word): [string, Buffer, Buffer] => [word, plain, plain]),
      // No archive is opened that nobody has named: the check refuses it.
      ['utf-8', gzip, gzip],
      ['gzip, utf-8', gzip, plain],
      ['gzip, utf-8', plain, plain],
      ['aws-chunked,gzip', gzip, plain],
      ['aws-chunked', Buffer.alloc(0), Buffer.alloc(0)],
      ['aws-chunked, gzip', Buffer.alloc(0), Buffer.alloc(0)],
      ['utf-8, br', br, plain],
      ['utf-8, br', plain, plain],
      ['deflate, utf-8', deflate, plain],
      ['deflate, utf-8', Buffer.from('x^2,100'), Buffer.from('x^2,100')],
      ['aws-chunked, br, gzip', gzipSync(br), plain],
      ['gzip,'.repeat(2_000), plain, plain],
    ];
    for (const [encoding, body, decoded] of cases) {
      const warnings: string[] = [];
      assert.ok((await download(await sent(t, encoding, body), warnings)).equals(decoded), encoding);
      assert.equal(warnings.length, 1);
      assert.ok(warnings[0]?.includes(`with Content-Encoding "${encoding.slice(0, 50)}`), warnings[0]);
    }
  });

  test('what is cut off or damaged breaks off; what decodes to too much is refused', async (t) => {
    for (const [body, encoding, refusal] of [
      [gzip.subarray(0, -20), 'gzip', interrupted()],
      [deflate.subarray(0, -20), 'deflate', interrupted()],
      [br.subarray(0, -1), 'br', interrupted()],
      [Buffer.from('no gzip at all'), 'gzip', interrupted()],
      [gzipSync(Buffer.alloc(50_000_000)), 'gzip', tooLarge()],
    ] as const)
      await assertFails(await sent(t, encoding, body), refusal);
    // The Content-Length is that of what is sent.
    const shorter = await served(t, (_, response) => {
      response.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': gzip.length + 5 });
      response.end(gzip).on('finish', () => response.socket?.end());
    });
    await assertFails(shorter, interrupted());
  });

  async function sent(t: TestContext, encoding: string, body: Buffer): Promise<string> {
    const headers = { 'Content-Encoding': encoding, 'Content-Length': body.length };
    return await served(t, (_, response) => response.writeHead(200, headers).end(body));
  }
});

describe('cancellation', () => {
  const answers: [when: string, answer: RequestListener][] = [
    ['while nothing is answered', () => undefined],
    ['within the body', (_, response) => response.write('id,')],
    [
      'within an encoded body',
      (_, response) =>
        response.writeHead(200, { 'Content-Encoding': 'gzip' }).write(gzipSync('id,').subarray(0, 5)),
    ],
  ];
  for (const [when, answer] of answers)
    test(`${when} ends it`, async (t) => {
      const controller = new AbortController();
      const reason = new Error('cancelled');
      const address = await served(t, (request, response) => {
        answer(request, response);
        setTimeout(() => controller.abort(reason), 50);
      });
      await assert.rejects(download(address, [], controller.signal), (error) => error === reason);
    });

  test('before the request makes none', async () => {
    const requests = api.requests.length;
    await assert.rejects(download(url, [], AbortSignal.abort(new Error('cancelled'))), /^Error: cancelled$/);
    assert.equal(api.requests.length, requests);
  });
});
