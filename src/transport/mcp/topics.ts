import type { Topic } from '../../domain/topic.ts'
import type { Catalog } from '../../services/catalog/catalog.ts'

/** The topics of the catalog that `passes` accepts, in list order. A list never changes in place, so each is filtered once. */
export function topicsThat(passes: (topic: Topic) => boolean): (catalog: Catalog) => readonly Topic[] {
  const known = new WeakMap<readonly Topic[], readonly Topic[]>()
  return (catalog) => {
    const all = catalog.list()
    let found = known.get(all)
    if (!found) {
      found = all.filter(passes)
      known.set(all, found)
    }
    return found
  }
}
