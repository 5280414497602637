#!/usr/bin/env node
// The client without npm, for scripts: `npx sales-increment …`. The same as `npm run --silent client -- …`.
process.env.TSX_DISABLE_CACHE ??= '1';
const { register } = await import('tsx/esm/api');
register();
await import('../client/main.ts');
