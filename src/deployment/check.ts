/** One thing that was looked at, for an operator. `fail` keeps the program from working. */
export interface Check {
  level: 'ok' | 'note' | 'fail'
  text: string
}

export const ok = (text: string): Check => ({ level: 'ok', text })
export const note = (text: string): Check => ({ level: 'note', text })
export const fail = (text: string): Check => ({ level: 'fail', text })
