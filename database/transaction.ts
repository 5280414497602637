import pg from 'pg';

/** How often a transaction asks whether the server still works for it, and the longest wait for that answer. */
const LOOK_EVERY_MS = 5_000;

/**
 * Runs `work` in one READ COMMITTED transaction: committed when it returns, rolled back when it throws.
 * When `signal` aborts, the connection is destroyed, which ends the transaction on the server as well; a
 * connection that has gone silent is noticed within 20 s and destroyed too.
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
  const stopWatching = watch(pool, client);
  try {
    signal?.throwIfAborted();
    // Whatever the database's default: under any other level a statement that has waited for a lock does not see
    // what the lock's former holder has written.
    await client.query('begin isolation level read committed');
    const result = await work(client);
    signal?.throwIfAborted();
    const { command } = await client.query('commit');
    // The answer to the commit of a transaction in which a statement has failed, and no error.
    if (command === 'ROLLBACK')
      throw new Error('the connection had a failed transaction: it was rolled back');
    return result;
  } catch (error) {
    // An unknown outcome is not worth a rollback on a connection that may be dead: drop it.
    broken ??= error instanceof Error ? error : new Error(String(error));
    signal?.throwIfAborted();
    throw error;
  } finally {
    stopWatching();
    signal?.removeEventListener('abort', onAbort);
    client.off('error', onError);
    release();
  }
}

/**
 * A connection can go silent without an error: a firewall forgets it, a cable is pulled. TCP then waits for ever
 * for an answer, and the activity, which says by a timer that it is alive, with it. So a transaction that lasts
 * asks, by another connection, what the server is doing for it. The connection is given up when its session is
 * gone or has heard nothing from us between two looks (while a statement is out: its answer was lost), and when
 * the server could not be reached twice in a row.
 */
function watch(pool: pg.Pool, client: pg.PoolClient): () => void {
  let before: Look = 'at work';
  let stopped = false;
  let timer = setTimeout(look, LOOK_EVERY_MS);

  function look() {
    void lookAt(pool, client, before).then((now) => {
      if (stopped) return;
      if (now === 'gone' || (now === 'unreachable' && before === 'unreachable')) {
        // The rest is that of any lost connection: the statement in flight ends with this error.
        client.connection.stream.destroy(new Error('the connection to PostgreSQL has gone silent'));
        return;
      }
      before = now;
      timer = setTimeout(look, LOOK_EVERY_MS);
    });
  }
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** While the server waits for us: a text that changes as soon as it has heard something. */
type Look = 'at work' | 'gone' | 'unreachable' | `waiting ${string}`;

/**
 * $1 pid, $2 what the last look has seen. COPY waits between any two chunks, hence the bytes that it has taken.
 * A session that is given up is ended here as well: it may hold locks, and cannot know that nobody is there.
 */
const LOOK = `
  with session as (
    select pid,
      case when state = 'active' and wait_event_type is distinct from 'Client' then 'at work'
        else concat_ws(' ', 'waiting', state, state_change, bytes_processed) end as look
    from pg_stat_activity
    left join pg_stat_progress_copy using (pid)
    where pg_stat_activity.pid = $1
  )
  select case when look like 'waiting%' and look = $2 and pg_terminate_backend(pid) then 'gone' else look end as look
  from session`;

async function lookAt(pool: pg.Pool, client: pg.PoolClient, before: Look): Promise<Look> {
  // Not of the pool: that may be used up, and its idle connections are silent for the same reason.
  const other = new pg.Client({
    ...pool.options,
    application_name: 'sales-increment watch',
    connectionTimeoutMillis: LOOK_EVERY_MS,
    query_timeout: LOOK_EVERY_MS,
  });
  other.on('error', () => undefined);
  const { processID } = client as { processID?: number };
  try {
    await other.connect();
    const { rows } = await other.query<{ look: Look }>(LOOK, [processID, before]);
    return rows[0]?.look ?? 'gone';
  } catch (error) {
    // A server that answers with an error, for instance that it has no connection left, is there.
    return error instanceof pg.DatabaseError ? 'at work' : 'unreachable';
  } finally {
    other.connection.stream.destroy();
  }
}
