/** A file that as a whole is not what it should be. The message is a clause: "the file is empty". */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
}
