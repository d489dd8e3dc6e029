/** The bare SDK over HTTP: `McpServer` with four static prompts and a tool. */

import { listenBare } from './bare-listen.ts'
import { bareServer } from './bare-server.ts'

listenBare(bareServer)
