#!/usr/bin/env node
// The client without npm, for scripts: `npx sales-increment …`. The same as `npm run --silent client -- …`.
import '../runtime/register.js';

await import('../client/main.ts');
