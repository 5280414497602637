import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const DAYS = ['-days', '2'];
const NEW_KEY = ['req', '-newkey', 'rsa:2048', '-nodes'];

/** Makes `ca.crt` of an authority of its own in a directory, and `NAME.crt` and `NAME.key` for localhost, by it. */
export async function makeCertificates(
  directory: string,
  commonNames: Readonly<Record<string, string>>,
): Promise<void> {
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: directory });
  await openssl(...NEW_KEY, '-x509', '-keyout', 'ca.key', '-out', 'ca.crt', ...DAYS, '-subj', '/CN=Test CA');
  for (const [name, commonName] of Object.entries(commonNames)) {
    const subject = ['-subj', `/CN=${commonName}`, '-addext', 'subjectAltName=DNS:localhost'];
    await openssl(...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...subject);
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copy'];
    await openssl('x509', '-req', '-in', `${name}.csr`, ...by, ...DAYS, '-out', `${name}.crt`);
  }
}
