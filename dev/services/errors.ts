import { messageOf } from '../../domain/text.ts';

export function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** The end of what a tool that failed has said, in one line. */
export function whyNot(tool: string, error: unknown): string {
  if (isErrno(error, 'ENOENT')) return `${tool} is not installed`;
  const { stderr = '' } = error as { stderr?: string | Buffer };
  const lines = String(stderr)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('WARNING:'));
  return lines.slice(-3).join(' ').replace(/\.$/, '') || messageOf(error);
}
