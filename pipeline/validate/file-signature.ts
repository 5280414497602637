import { FileRefused } from './file-refused.ts';

const SIGNATURES: readonly { bytes: number[]; what: string }[] = [
  { bytes: [0x1f, 0x8b], what: 'a gzip archive' },
  { bytes: [0x50, 0x4b, 0x03, 0x04], what: 'a ZIP archive' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], what: 'a Zstandard archive' },
  { bytes: [0xff, 0xfe], what: 'UTF-16 text' },
  { bytes: [0xfe, 0xff], what: 'UTF-16 text' },
];
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** Refuses what is recognisably not CSV by its first bytes, and returns how many bytes of byte order marks to skip. */
export function checkSignature(firstBytes: Buffer): { skip: number } {
  for (const { bytes, what } of SIGNATURES) {
    if (bytes.every((byte, index) => firstBytes[index] === byte)) {
      throw new FileRefused(`it is ${what}; expected UTF-8 CSV`);
    }
  }
  const skip = markBytes(firstBytes);
  const text = firstBytes.toString('latin1', skip).trimStart();
  if (/^<(?:!doctype|html|\?xml|head|body|error)/i.test(text)) {
    throw new FileRefused('it is an HTML or XML page; expected CSV');
  }
  if (/^(?:\{\s*["}]|\[\s*[[{"\]])/.test(text)) throw new FileRefused('it is JSON; expected CSV');
  return { skip };
}

/** Bytes of the byte order marks at the start, however often they are repeated (contract, ruling 31). */
export function markBytes(firstBytes: Buffer): number {
  let bytes = 0;
  while (firstBytes.subarray(bytes, bytes + BOM.length).equals(BOM)) bytes += BOM.length;
  return bytes;
}
