import type { Topic } from '../../rest/topics.ts'
import { type Samples, valuesOf } from '../samples/sample.ts'

export interface Snippet {
  name: string
  code: string
}

/** How programs fetch a topic, with these sample values. Keys are for the reader to fill in. */
export function snippetsOf(
  { topic_id, allowed_parameters }: Topic,
  samples: Samples,
  apiRoot: string,
): Snippet[] {
  const parameters = valuesOf(allowed_parameters, samples)
  const body = JSON.stringify({ parameters })
  const url = `${apiRoot}/prompts/${topic_id}/render`
  const texts = Object.entries(parameters).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  const call = { name: topic_id, arguments: Object.fromEntries(texts) as Record<string, string> }
  return [
    {
      name: 'curl',
      code: `curl ${url} \\
  -H "X-Api-Key: $API_KEY" -H 'Content-Type: application/json' \\
  -d '${body.replaceAll("'", "'\\''")}'`,
    },
    {
      name: 'C#',
      code: `using var client = new HttpClient();
client.DefaultRequestHeaders.Add("X-Api-Key", apiKey);
using var body = new StringContent(
    """${body}""", Encoding.UTF8, "application/json");
using var answer = await client.PostAsync("${url}", body);
var json = await answer.Content.ReadAsStringAsync();`,
    },
    { name: 'MCP prompts/get', code: JSON.stringify(call, null, 2) },
  ]
}
