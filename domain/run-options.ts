import type { z } from 'zod';
import type { runOptionsInput } from './inputs.ts';

/** What shapes a run. It travels with the run, since client and worker may have different environments. */
export type RunOptions = z.infer<typeof runOptionsInput>;
