/** Single-use codes of sign-in links: whoever opens the link on this machine becomes an administrator's session. */
export interface SignInCodes {
  /** A new code, valid for a few minutes, once, in every process that works on this store. */
  issue(subject: string): Promise<string>

  /** Uses the code up. `undefined` if there is none such, if it is too old or was used before. */
  redeem(code: string): Promise<{ subject: string } | undefined>
}

/** A signed-in browser. */
export interface Session {
  subject: string
  /** Sent back in a header by the page, which another site's page cannot read (CSRF). */
  csrfToken: string
}

/** Sessions of browsers, kept by the browser in a signed cookie. */
export interface Sessions {
  /** The cookie's value of a new session, and how long it is valid. */
  open(subject: string): Promise<{ cookie: string; lifetimeSeconds: number }>

  /** The session of a cookie's value, if it is valid now. */
  read(cookie: string): Promise<Session | undefined>
}
