import type { TopicContent } from '../../src/domain/topic.ts'
import { writeTopic } from './data-folder.ts'
import { tempFolder } from './folders.ts'

/** A new folder that holds these topics, to import or to serve; gone after the test. */
export async function folderWith(...contents: TopicContent[]): Promise<string> {
  const folder = await tempFolder()
  for (const content of contents) await writeTopic(folder, content)
  return folder
}
