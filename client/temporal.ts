import { ServiceError, type Client } from '@temporalio/client';
import { connectClient } from '../runtime/temporal.ts';

/** Connects to Temporal for one command, and always closes the connection. */
export async function withTemporal<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connectClient(process.env);
  try {
    return await work(client);
  } catch (error) {
    // Its own message, such as "Failed to start Workflow", hides what the server says.
    if (error instanceof ServiceError && error.cause instanceof Error)
      throw new Error(`${error.message}: ${error.cause.message}`, { cause: error });
    throw error;
  } finally {
    await client.connection.close();
  }
}
