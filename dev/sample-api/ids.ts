// Encoded, these three bytes are "+//+": with them and with padding, every id holds all that a query string must escape.
const AWKWARD = Buffer.from([0xfb, 0xff, 0xfe]);

/** The nth id of its kind: valid base64 that holds `+`, `/` and `=`, the same in every run. */
export function sampleId(kind: 'task' | 'report' | 'increment', nth: number, detail = ''): string {
  const text = Buffer.from(`${kind} ${nth}${detail === '' ? '' : ` ${detail}`}`);
  const fill = Buffer.from(text.length % 3 === 0 ? '.' : '');
  return Buffer.concat([AWKWARD, text, fill]).toString('base64');
}
