import { NativeConnection } from '@temporalio/worker';
import { TemporalUnreachable, type TemporalConfig } from '../runtime/temporal.ts';

/** The worker's connection to Temporal. Apart from the client's, which need not load the SDK's native part. */
export async function connectWorker({
  connectionOptions,
  address,
}: TemporalConfig): Promise<NativeConnection> {
  return await NativeConnection.connect(connectionOptions).catch((error: unknown) => {
    throw new TemporalUnreachable(address, error);
  });
}
