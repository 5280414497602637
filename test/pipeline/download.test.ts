import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
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
const LOOPBACK = new FileAddresses('http://127.0.0.1');
const downloader = new Downloader(LIMITS, LOOPBACK);
const uncaught: unknown[] = [];
const onUncaught = (error: unknown) => uncaught.push(error);

before(async () => {
  process.on('uncaughtException', onUncaught);
  api = await startSampleApi({ source: generatedSource({ orders: 160 }), pollsUntilReady: 0 });
  url = (await sampleUrls(api, LOAD_DATE))[ORDERS] ?? '';
});

after(async () => {
  await downloader.close();
  await api.close();
  process.off('uncaughtException', onUncaught);
  assert.deepEqual(uncaught, [], 'a response that is given up must not end the worker');
});

async function download(
  address: string,
  { by = downloader, signal = never(), warnings = [] as string[] } = {},
) {
  const chunks: Buffer[] = [];
  for await (const chunk of by.download(ORDERS, address, signal, (warning) => warnings.push(warning)))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

function never(): AbortSignal {
  return new AbortController().signal;
}

interface Refusal {
  type: string;
  retryable: boolean;
  message?: RegExp;
}

/** The download fails like this, and tells no secret. */
async function assertFails(address: string, refusal: Refusal, by = downloader): Promise<void> {
  await assert.rejects(download(address, { by }), (error: unknown) => {
    assert.ok(error instanceof ApplicationFailure, String(error));
    assert.equal(error.type, refusal.type, error.message);
    assert.equal(error.nonRetryable, !refusal.retryable);
    assert.match(error.message, new RegExp(ORDERS));
    if (refusal.message) assert.match(error.message, refusal.message);
    assert.doesNotMatch(
      JSON.stringify([error, error.message, error.stack, error.cause]),
      /Signature|secret/i,
    );
    return true;
  });
}

describe('a download', () => {
  test('brings the file', async () => {
    const warnings: string[] = [];
    assert.match((await download(url, { warnings })).toString(), /^id,uniq_id,.*Москва/s);
    assert.deepEqual(warnings, []);
  });

  test('sends none of the API’s headers to the storage', () => {
    const names = api.requests
      .filter(({ server }) => server === 'storage')
      .flatMap(({ headers }) => Object.keys(headers));
    assert.deepEqual([...new Set(names)].sort(), ['accept', 'accept-encoding', 'connection', 'host']);
  });

  test('may be slow as long as it is fast enough', async () => {
    api.addFault({ on: 'storage', do: 'trickle', bytesPerSecond: 100_000 });
    assert.ok((await download(url)).length > 100_000);
  });

  test('of a million bytes exactly is let in', () =>
    withServer(
      (_, res) => res.end(Buffer.alloc(LIMITS.maxBytes, 'x')),
      async (address) => assert.equal((await download(address)).length, LIMITS.maxBytes),
    ));
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
    ['the storage answers 503', { do: 'status', status: 503 }, interrupted(/answered 503/)],
    ['the storage answers 206', { do: 'status', status: 206, body: 'part' }, interrupted(/answered 206/)],
    ['the address has expired', { do: 'status', status: 403 }, notAvailable(403)],
    ['the file is not there', { do: 'status', status: 404, body: 'x'.repeat(100_000) }, notAvailable(404)],
    ['the file is gone', { do: 'status', status: 410 }, notAvailable(410)],
    [
      'it is redirected',
      { do: 'redirect', location: 'http://127.0.0.1:1/?secret' },
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

  test('the file is too large and says so, before a byte is written', async () => {
    const strict = new Downloader({ ...LIMITS, maxBytes: 1_000 }, LOOPBACK);
    const message = /has 100000 bytes or more; MAX_FILE_BYTES allows 1000/;
    await withServer(
      (_, res) => res.end(Buffer.alloc(100_000)),
      (address) => assertFails(address, { ...tooLarge(), message }, strict),
    );
    await strict.close();
  });

  test('nothing comes for a while within the body', async () => {
    await withServer(
      (_, res) => res.write('id,'),
      (address) => assertFails(`${address}?secret=1`, interrupted()),
    );
  });

  test('connection refused', () =>
    assertFails('http://127.0.0.1:1/file?secret=1', interrupted(/ECONNREFUSED/)));

  test('the signature is wrong', () =>
    assertFails(url.replace(/Signature=[0-9a-f]+/, 'Signature=forged-secret'), notAvailable(403)));

  test('the address is none', () =>
    assertFails('ftp://host/file?secret', { type: 'UnsafeAddress', retryable: false }));
});

describe('cancellation', () => {
  const cases: [name: string, action: FaultAction | null, afterMs: number][] = [
    ['before the request', null, -1],
    ['while nothing is answered', { do: 'hang' }, 100],
    ['within the body', { do: 'trickle', bytesPerSecond: 20_000 }, 250],
  ];
  for (const [name, action, afterMs] of cases) {
    test(`${name} ends it`, async () => {
      api.clearFaults();
      if (action) api.addFault({ on: 'storage', ...action });
      const controller = new AbortController();
      const reason = new Error('cancelled');
      if (afterMs < 0) controller.abort(reason);
      const timer = setTimeout(() => controller.abort(reason), Math.max(0, afterMs));
      await assert.rejects(download(url, { signal: controller.signal }), (error) => error === reason);
      clearTimeout(timer);
      api.clearFaults();
    });
  }
});

function interrupted(message?: RegExp): Refusal {
  return { type: 'DownloadInterrupted', retryable: true, ...(message ? { message } : {}) };
}

function notAvailable(status: number): Refusal {
  return { type: 'FileNotAvailable', retryable: false, message: new RegExp(`answered ${status}`) };
}

function tooLarge(): Refusal {
  return { type: 'FileTooLarge', retryable: false, message: /MAX_FILE_BYTES/ };
}

async function withServer(answer: RequestListener, run: (address: string) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}/file.csv`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("the storage's Content-Encoding (contract, ruling 31)", () => {
  const csv = 'Молоко,100\n'.repeat(20_000);
  const encodings = { gzip: gzipSync(csv), deflate: deflateSync(csv), br: brotliCompressSync(csv) };
  for (const [encoding, body, what = encoding] of [
    ...Object.entries(encodings),
    ['deflate', deflateRawSync(csv), "deflate without zlib's header"],
    ['GZip', encodings.gzip, 'a coding in capitals'],
    ['identity, gzip', encodings.gzip, 'gzip beside identity'],
    ['br,gzip', gzipSync(encodings.br), 'br within gzip'],
  ] as [string, Buffer, string?][]) {
    test(`${what} is decoded`, () =>
      withServer(
        (_, response) =>
          response.writeHead(200, { 'Content-Encoding': encoding, 'Content-Length': body.length }).end(body),
        async (address) => {
          const warnings: string[] = [];
          assert.equal((await download(address, { warnings })).toString(), csv);
          assert.deepEqual(warnings, []);
        },
      ));
  }

  for (const [encoding, body, decodedBody = body] of [
    ...'utf-8 UTF8 aws-chunked binary text/csv none constructor br? zstd-of-tomorrow'
      .split(' ')
      .map((name): [string, Buffer] => [name, Buffer.from(csv)]),
    // No archive is opened that nobody has named: the check refuses it.
    ['utf-8', encodings.gzip],
    ['gzip, utf-8', encodings.gzip, Buffer.from(csv)],
    ['gzip, utf-8', Buffer.from(csv)],
    ['aws-chunked,gzip', encodings.gzip, Buffer.from(csv)],
    ['aws-chunked, gzip', Buffer.from(csv)],
    ['aws-chunked', Buffer.alloc(0)],
    ['aws-chunked, gzip', Buffer.alloc(0)],
    ['utf-8, br', encodings.br, Buffer.from(csv)],
    ['utf-8, br', Buffer.from(csv)],
    ['deflate, utf-8', encodings.deflate, Buffer.from(csv)],
    ['deflate, utf-8', Buffer.from('x^2,100')],
    ['aws-chunked, br, gzip', gzipSync(encodings.br), Buffer.from(csv)],
    ['gzip,'.repeat(2_000), Buffer.from(csv)],
  ] as [string, Buffer, Buffer?][])
    test(`${encoding.slice(0, 30)} is told, and the bytes decide: ${String(body.length)} bytes (ruling 49)`, () =>
      withServer(
        (_, response) =>
          response.writeHead(200, { 'Content-Encoding': encoding, 'Content-Length': body.length }).end(body),
        async (address) => {
          const warnings: string[] = [];
          assert.ok((await download(address, { warnings })).equals(decodedBody));
          assert.equal(warnings.length, 1);
          assert.ok(warnings[0]?.includes(`with Content-Encoding "${encoding.slice(0, 50)}`), warnings[0]);
        },
      ));

  test('what is cut off or damaged breaks off; what decodes to too much is refused', async () => {
    const cases: [Buffer, string, Refusal][] = [
      [encodings.gzip.subarray(0, -20), 'gzip', { type: 'DownloadInterrupted', retryable: true }],
      [encodings.deflate.subarray(0, -20), 'deflate', { type: 'DownloadInterrupted', retryable: true }],
      [encodings.br.subarray(0, -1), 'br', { type: 'DownloadInterrupted', retryable: true }],
      [Buffer.from('no gzip at all'), 'gzip', { type: 'DownloadInterrupted', retryable: true }],
      [gzipSync(Buffer.alloc(50_000_000)), 'gzip', { type: 'FileTooLarge', retryable: false }],
    ];
    for (const [body, encoding, refusal] of cases) {
      await withServer(
        (_, response) => response.writeHead(200, { 'Content-Encoding': encoding }).end(body),
        (address) => assertFails(address, refusal),
      );
    }
  });

  test('the Content-Length is that of what is sent: fewer bytes break off', () =>
    withServer(
      (_, response) => {
        response.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': encodings.gzip.length + 5 });
        response.end(encodings.gzip);
        response.on('finish', () => response.socket?.end());
      },
      (address) => assertFails(address, interrupted()),
    ));

  test('a cancelled download of an encoded file is cancelled', () =>
    withServer(
      (_, response) => {
        response.writeHead(200, { 'Content-Encoding': 'gzip' });
        response.write(encodings.gzip.subarray(0, 100));
      },
      async (address) => {
        const controller = new AbortController();
        const reason = new Error('cancelled');
        setTimeout(() => controller.abort(reason), 100);
        await assert.rejects(download(address, { signal: controller.signal }), (error) => error === reason);
      },
    ));
});

test('Retry-After of the storage is waited for, a minute at most', async () => {
  const waits: unknown[] = [];
  for (const retryAfter of ['7', '3600', undefined]) {
    await withServer(
      (_, response) =>
        response.writeHead(503, retryAfter === undefined ? {} : { 'Retry-After': retryAfter }).end(),
      async (address) => {
        const error: unknown = await download(address).catch((reason: unknown) => reason);
        assert.ok(error instanceof ApplicationFailure);
        assert.equal(error.type, 'DownloadInterrupted');
        waits.push(error.nextRetryDelay);
      },
    );
  }
  assert.deepEqual(waits, [7_000, 60_000, undefined]);
});
