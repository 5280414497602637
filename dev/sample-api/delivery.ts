/** What a file holds: its text or bytes; null serves `name: null` in s3_path, undefined leaves the key out. */
export type FileContent = string | Buffer | null | undefined;

/** A file on disk, read anew for every request, or chunks made while they are sent. */
export type StreamedFile = { path: string } | (() => Iterable<string>);

/** `{ url }` puts that literal text into s3_path, whatever it is: empty, `ftp://x`, another host. */
export type DeliveredFile = FileContent | { url: string } | StreamedFile;

export interface Delivery {
  /** By key of s3_path, e.g. `user_order_log_inc`. */
  files: Record<string, DeliveredFile>;
}

export interface DeliverySource {
  /** The increment of a date, or null when there is none (answered NOT FOUND). */
  increment(date: string): Promise<Delivery | null> | Delivery | null;
  /** The full report, its files named without `_inc`; its days are YYYY-MM-DD, or passed on as they are. */
  report(): Promise<ReportDelivery> | ReportDelivery;
}

type ReportDelivery = Delivery & { startDay: string; endDate: string };
