import type { Client } from '@temporalio/client';
import { connectClient } from '../runtime/temporal.ts';

/** Connects to Temporal for one command, and always closes the connection. */
export async function withTemporal<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connectClient(process.env);
  try {
    return await work(client);
  } finally {
    await client.connection.close();
  }
}
