import { constants } from 'node:fs';

/** For files that others might have replaced: symbolic links are not followed. */
export const READ = constants.O_RDONLY | constants.O_NOFOLLOW;
export const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
