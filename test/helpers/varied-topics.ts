import { ParameterDefinitions } from '../../src/domain/parameters.ts'
import type { TopicContent } from '../../src/domain/topic.ts'
import { topicContent } from './topics.ts'

/** Topics that use everything a definition and a text can hold. */
export function variedTopics(): TopicContent[] {
  const parameters = ParameterDefinitions.parse([
    { validation: { enum_values: ['a', 'b'], type: 'enum' }, name: 'mode', type: 'string', default: 'a' },
    {
      name: 'items',
      type: 'array',
      required: true,
      description: 'Äpfel,\nBirnen',
      default: [{ z: 1, a: 2 }],
    },
  ])
  const rich = topicContent('rich', {
    system: '\uFEFF{{mode}}\r\nzwei 😀',
    user: '{{#items}}{{z}}{{/items}}',
  })
  Object.assign(rich.definition, {
    description: 'Line one\n\tline two',
    display_order: -3,
    allowed_parameters: parameters,
    config: { vendor: { deep: [1, null] }, temperature: 0.5, default_model: 'm' },
    external_id: 'kpi/7',
  })
  const inactive = topicContent('inactive', { assistant: '', function: 'no final line break' })
  return [rich, { ...inactive, definition: { ...inactive.definition, is_active: false } }]
}
