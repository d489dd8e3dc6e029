/** The settings that a person is asked for by clients that install servers; docs/settings.md has all of them. */
export const settings = [
  {
    variable: 'PROMPTS_DATA_DIR',
    title: 'Data folder',
    description: 'where prompts are kept as files; the default is your own data folder',
    type: 'directory',
  },
  {
    variable: 'PROMPTS_LLM',
    title: 'Language model',
    description: 'for analyses: openai (any server with that API), bedrock or none',
    type: 'string',
    default: 'none',
  },
  {
    variable: 'PROMPTS_LLM_BASE_URL',
    title: 'Address of the model server',
    description: 'for openai, for example http://127.0.0.1:11434/v1',
    type: 'string',
  },
  {
    variable: 'PROMPTS_LLM_API_KEY',
    title: 'API key of the model server',
    description: 'for openai, if it wants one',
    type: 'string',
    secret: true,
  },
  {
    variable: 'PROMPTS_LLM_MODEL',
    title: 'Model',
    description: 'for example llama3.1; with openai it replaces what topics name',
    type: 'string',
  },
]
