import { fileURLToPath } from 'node:url'

/** The folder of the program, which must be built. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url))
