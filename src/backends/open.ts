import type { Config } from '../config.ts'
import type { Backend, BackendOptions } from './backend.ts'
import { filesBackend } from './files.ts'

/** The backend that the settings choose. The one in AWS is loaded only there: its clients take long to load. */
export async function openBackend(config: Config, options: BackendOptions): Promise<Backend> {
  switch (config.store) {
    case 'files':
      return filesBackend(config, options)
    case 'aws': {
      const { awsBackend } = await import('./aws.ts')
      return awsBackend(config, options)
    }
  }
}
