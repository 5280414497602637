// Node 20 loads reporters before the modules of --import, so that this one has to bring its own loader.
import { tsImport } from 'tsx/esm/api';

export default (await tsImport('./reporter.ts', import.meta.url)).default;
