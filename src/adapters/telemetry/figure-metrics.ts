import { Counter, Gauge, type Registry } from 'prom-client'
import type { Figures } from '../../domain/telemetry.ts'

const GAUGES: [name: string, help: string, value: (figures: Figures) => number][] = [
  ['prompts_topics', 'Topics in the catalogue, deleted ones included.', ({ topics }) => topics],
  ['prompts_topics_invalid', 'Topics that are not served until they are fixed.', (f) => f.invalidTopics],
  ['prompts_text_cache_bytes', 'Memory that texts take, at most.', ({ textBytes }) => textBytes],
  [
    'prompts_store_read_age_seconds',
    'Time since the store was last looked at with success.',
    ({ storeReadAgeMs }) => storeReadAgeMs / 1000,
  ],
  [
    'prompts_stale_seconds',
    'Time since the store is out of reach; 0 when it is not.',
    ({ staleMs }) => staleMs / 1000,
  ],
  ['prompts_calls_in_flight', 'Operations that are running.', ({ callsInFlight }) => callsInFlight],
  ['prompts_model_calls_running', 'Calls of models that are running.', (f) => f.modelCallsRunning],
  ['prompts_model_calls_waiting', 'Calls of models that wait for their turn.', (f) => f.modelCallsWaiting],
]
const COUNTERS: [name: string, help: string, value: (figures: Figures) => number][] = [
  ['prompts_text_cache_hits_total', 'Retrievals whose texts were in memory.', ({ textHits }) => textHits],
  ['prompts_text_cache_misses_total', 'Retrievals that had to read texts.', ({ textMisses }) => textMisses],
]

/**
 * What the program holds and how busy it is, looked at only when metrics are read.
 *
 * @param read `undefined` while the program is being put together: there is nothing to tell then.
 */
export function figureMetrics(registry: Registry, read: () => Figures | undefined): void {
  const registers = [registry]
  for (const [name, help, value] of GAUGES) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const figures = read()
        if (figures) this.set(value(figures))
      },
    })
  }
  for (const [name, help, value] of COUNTERS) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        const figures = read()
        this.reset()
        if (figures) this.inc(value(figures))
      },
    })
  }
}
