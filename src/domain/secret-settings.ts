/** Settings that are secrets, and that a store of secrets may hold in place of the environment. */
export type SecretSetting = 'PROMPTS_LLM_API_KEY' | 'PROMPTS_OIDC_CLIENT_SECRET'

/**
 * Finds the value of such a setting; `undefined`: it has none. Asked each time that a value is used, because it may
 * have changed.
 *
 * @throws AppError `unavailable` while the store is out of reach or what it holds is not well-formed.
 * @example const key = await secretSetting('PROMPTS_LLM_API_KEY')
 */
export type FindSecretSetting = (name: SecretSetting) => Promise<string | undefined>
