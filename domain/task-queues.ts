/** The task queue of the workers that see a landing directory. */
export function landingQueue(taskQueue: string, landingId: string): string {
  return `${taskQueue}@${landingId}`;
}

/** The task queue on which those workers answer whether they are alive, however busy they are. */
export function pingQueue(landingTaskQueue: string): string {
  return `${landingTaskQueue}-ping`;
}
