import type pg from 'pg';

/**
 * Runs `work` in one READ COMMITTED transaction: committed when it returns, rolled back when it throws.
 * When `signal` aborts, the connection is destroyed, which ends the transaction on the server as well.
 */
export async function transaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  const client = await pool.connect();
  let broken: Error | undefined;
  let released = false;
  const release = () => {
    if (!released) client.release(broken);
    released = true;
  };
  // Without a listener, an error between two statements would end the process.
  const onError = (error: Error) => (broken = error);
  const onAbort = () => {
    broken = new Error('aborted');
    release();
  };
  client.on('error', onError);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    signal?.throwIfAborted();
    // Whatever the database's default: under any other level a statement that has waited for a lock does not see
    // what the lock's former holder has written.
    await client.query('begin isolation level read committed');
    const result = await work(client);
    signal?.throwIfAborted();
    await client.query('commit');
    return result;
  } catch (error) {
    // An unknown outcome is not worth a rollback on a connection that may be dead: drop it.
    broken ??= error instanceof Error ? error : new Error(String(error));
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    client.off('error', onError);
    release();
  }
}
