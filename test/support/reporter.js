// Node 20 loads reporters before the modules of --import, so that this one has to bring its own loader.
import '../../runtime/register.js';

export default (await import('./reporter.ts')).default;
