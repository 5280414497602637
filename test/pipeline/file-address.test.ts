import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Downloader } from '../../pipeline/extract/download.ts';
import { FileAddresses } from '../../pipeline/extract/file-address.ts';

const remote = new FileAddresses('https://api.example');
const local = new FileAddresses('http://127.0.0.1:8000/shop');

const UNSAFE = { type: 'UnsafeAddress', nonRetryable: true };
const words = (text: string) => text.trim().split(/\s+/);

test('a link-local host is refused, wherever the API is', () => {
  const message =
    'The address of price_log_inc is of a link-local host, where a machine asks for its own credentials; it is not followed.';
  // The same host also in one decimal number, in hexadecimal, in octal, and cut short.
  for (const host of words(`
    169.254.169.254 169.254.0.1:8080 169.254.169.254. user:password@169.254.169.254 2852039166
    0xa9fea9fe 0xa9.0xfe.0xa9.0xfe 0251.0376.0251.0376 169.254.43518 １６９.254.169.254
    %31%36%39.254.169.254 [fe80::1] [febf:ffff::1] [::ffff:169.254.169.254] [::ffff:a9fe:a9fe]
    [::169.254.169.254] [64:ff9b::169.254.169.254]`))
    for (const addresses of [remote, local])
      assert.throws(() => addresses.check('price_log_inc', `http://${host}/latest?Signature=secret`), {
        ...UNSAFE,
        message,
      });
});

test('a loopback host is taken only where the API is on loopback, by any of its names', () => {
  for (const host of words(`
    127.0.0.1:9000 127.8.9.10 127.1 2130706433 0x7f000001 0177.0.0.1 0.0.0.0 0 localhost LOCALHOST.
    minio.localhost:9000 [::1] [::] [::ffff:127.0.0.1] [::127.0.0.1] [64:ff9b::7f00:1]`)) {
    assert.throws(() => remote.check('f', `http://${host}/`), { ...UNSAFE, message: /loopback/ });
    assert.equal(local.check('f', `http://${host}/a`).pathname, '/a');
  }
  for (const url of ['http://localhost:1', 'https://API.localhost/x', 'http://[::1]', 'http://127.1'])
    assert.ok(new FileAddresses(url).check('f', 'http://127.0.0.1/'), url);
});

test('any other host is taken, by http(s) alone', () => {
  for (const host of words(`
    storage.example localhost.example notlocalhost 10.0.0.7:9000 192.168.1.1 169.253.255.255 169.255.0.1
    126.255.255.255 128.0.0.1 [fd00::1] [fec0::1] [2001:db8::1] [::ffff:10.0.0.7]`))
    for (const addresses of [remote, local]) assert.ok(addresses.check('f', `https://${host}/a?b`));
  for (const address of ['', ...words('file:///etc/passwd ftp://a.example/ data:,a //a.example/ http://')])
    assert.throws(() => remote.check('f', address), { ...UNSAFE, message: /is not an http\(s\) URL/ });
});

test('a name is refused by what it resolves to, at the connection', async (t) => {
  const server = createServer((_, response) => response.end('a,1\n')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://storage.example:${(server.address() as AddressInfo).port}/`;
  const cases: [api: string, addresses: string[], refused: RegExp | undefined][] = [
    ['http://api.example', ['127.0.0.1'], /price_log_inc is of the worker itself/],
    ['http://api.example', ['::1'], /price_log_inc is of the worker itself/],
    ['http://api.example', ['10.0.0.7', '127.0.0.1'], /price_log_inc is of the worker itself/],
    ['http://127.0.0.1', ['127.0.0.1', '::ffff:169.254.169.254'], /price_log_inc is of a link-local host/],
    ['http://127.0.0.1', ['fe80::1'], /price_log_inc is of a link-local host/],
    ['http://127.0.0.1', ['127.0.0.1'], undefined],
  ];
  for (const [api, found, refused] of cases) {
    const asked: string[] = [];
    const addresses = new FileAddresses(api, (hostname, _, callback) => {
      asked.push(hostname);
      callback(
        null,
        found.map((address) => ({ address, family: isIP(address) })),
      );
    });
    if (refused) await assert.rejects(firstChunk(t, addresses, url), { ...UNSAFE, message: refused });
    else assert.equal((await firstChunk(t, addresses, url))?.length, 4);
    assert.deepEqual(asked, ['storage.example']);
  }
  await assert.rejects(firstChunk(t, new FileAddresses('http://api.example'), 'http://nobody.invalid/'), {
    type: 'DownloadInterrupted',
    nonRetryable: false,
  });
});

async function firstChunk(
  t: TestContext,
  addresses: FileAddresses,
  url: string,
): Promise<Buffer | undefined> {
  const limits = { maxBytes: 100, idleTimeoutMs: 1_000, minBytesPerIdleTimeout: 1 };
  const downloader = new Downloader(limits, addresses);
  t.after(() => downloader.close());
  const chunks = downloader.download('price_log_inc', url, new AbortController().signal, () => undefined);
  for await (const chunk of chunks) return chunk;
  return undefined;
}
