import { FileRefused } from './file-refused.ts';

/** As many bytes, behind any byte order marks, show what kind of file it is. */
const SIGNATURE_BYTES = 1024;
const SIGNATURES: readonly { bytes: number[]; what: string }[] = [
  { bytes: [0x1f, 0x8b], what: 'a gzip archive' },
  { bytes: [0x50, 0x4b, 0x03, 0x04], what: 'a ZIP archive' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], what: 'a Zstandard archive' },
  { bytes: [0xff, 0xfe], what: 'UTF-16 text' },
  { bytes: [0xfe, 0xff], what: 'UTF-16 text' },
];

/**
 * Passes a file's bytes on without the byte order marks at its start, however often they are repeated (contract,
 * ruling 31). Refuses what is recognisably not CSV by its first bytes.
 */
export async function* checkSignature(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (!head) {
      yield chunk;
      continue;
    }
    head = withoutMarks(Buffer.concat([head, chunk]));
    if (head.length < SIGNATURE_BYTES) continue;
    refuseOtherKinds(head);
    yield head;
    head = undefined;
  }
  if (!head) return;
  refuseOtherKinds(head);
  yield head;
}

function withoutMarks(bytes: Buffer): Buffer {
  let start = 0;
  while (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) start += 3;
  return bytes.subarray(start);
}

function refuseOtherKinds(head: Buffer): void {
  for (const { bytes, what } of SIGNATURES) {
    if (bytes.every((byte, index) => head[index] === byte)) {
      throw new FileRefused(`it is ${what}; expected UTF-8 CSV`);
    }
  }
  const text = head.toString('latin1', 0, SIGNATURE_BYTES).trimStart();
  if (/^<(?:!doctype|html|\?xml|head|body|error)/i.test(text)) {
    throw new FileRefused('it is an HTML or XML page; expected CSV');
  }
  if (/^(?:\{\s*["}]|\[\s*[[{"\]])/.test(text)) throw new FileRefused('it is JSON; expected CSV');
}
