import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TEXT } from './text.ts'

/** Writes `count` topics with one prompt of 2 KB each, as a person would put them into the folder. */
export function writeTopics(dataDir: string, count: number): void {
  mkdirSync(join(dataDir, 'topics'), { recursive: true })
  for (let index = 0; index < count; index++) {
    const topic = {
      topic_id: `topic_${index}`,
      topic_name: `Topic ${index}`,
      topic_type: 'single_shot',
      category: 'analysis',
      allowed_parameters: [
        { name: 'user_name', type: 'string', required: true, description: 'Who is greeted.' },
      ],
    }
    mkdirSync(join(dataDir, 'prompts', topic.topic_id), { recursive: true })
    writeFileSync(join(dataDir, 'topics', `${topic.topic_id}.json`), JSON.stringify(topic, null, 2))
    writeFileSync(join(dataDir, 'prompts', topic.topic_id, 'user.md'), TEXT)
  }
}
