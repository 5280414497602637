import { DefaultFailureConverter } from '@temporalio/common';

/** Puts message and stack of a failure into a payload, which the codec then encrypts (contract, ruling 25). */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
