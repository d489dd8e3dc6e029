import type { TopicSummary } from '../rest/topics.ts'
import { useWords } from '../words/words.ts'
import { type Filters, GROUPINGS, type Grouping, STATES, valuesOf } from './filters.ts'

interface FilterBarProps {
  topics: readonly TopicSummary[]
  filters: Filters
  onChange(changes: Partial<Filters>): void
}

export function FilterBar({ topics, filters, onChange }: FilterBarProps) {
  const words = useWords()
  return (
    <>
      <select
        aria-label={words.topics.type}
        value={filters.type}
        onChange={(event) => onChange({ type: event.currentTarget.value })}
      >
        <option value="">{words.topics.allTypes}</option>
        {withChosen(valuesOf(topics, 'topic_type'), filters.type).map((type) => (
          <option key={type}>{type}</option>
        ))}
      </select>
      <select
        aria-label={words.topics.category}
        value={filters.category}
        onChange={(event) => onChange({ category: event.currentTarget.value })}
      >
        <option value="">{words.topics.allCategories}</option>
        {withChosen(valuesOf(topics, 'category'), filters.category).map((category) => (
          <option key={category}>{category}</option>
        ))}
      </select>
      <select
        aria-label={words.topics.state}
        value={filters.state}
        onChange={(event) => onChange({ state: event.currentTarget.value as Filters['state'] })}
      >
        {STATES.map((state) => (
          <option key={state} value={state}>
            {words.topics.states[state]}
          </option>
        ))}
      </select>
      <select
        aria-label={words.topics.group}
        value={filters.group}
        onChange={(event) => onChange({ group: event.currentTarget.value as Grouping })}
      >
        {GROUPINGS.map((grouping) => (
          <option key={grouping} value={grouping}>
            {words.topics.groupings[grouping]}
          </option>
        ))}
      </select>
    </>
  )
}

/** A value from the address is shown, although no topic has it. */
function withChosen(values: string[], chosen: string): string[] {
  return chosen === '' || values.includes(chosen) ? values : [...values, chosen]
}
