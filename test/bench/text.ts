/** A prompt of 2 KB with one variable. */
export const TEXT = `Hello {{user_name}}. ${'You are a coach who asks one good question at a time. '.repeat(37)}`
