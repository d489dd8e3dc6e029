import type { Owner } from './caller.ts'

/** How long a sign-in code is valid. */
export const SIGN_IN_CODE_MINUTES = 10

/** Single-use codes of sign-in links: opening the link on this machine gives a browser an administrator's session. */
export interface SignInCodes {
  /**
   * Makes a code, which is valid once and for {@link SIGN_IN_CODE_MINUTES}, in every process that works on this store.
   *
   * @example const link = `${publicUrl}/admin/sign-in?code=${await codes.issue('anna')}`
   */
  issue(subject: string): Promise<string>

  /**
   * Uses a code up.
   *
   * @returns `undefined` for a code that does not exist, is too old or was used before.
   * @example const { subject } = (await codes.redeem(code)) ?? refuse()
   */
  redeem(code: string): Promise<{ subject: string } | undefined>
}

/** A signed-in browser. Only administrators sign in. */
export interface Session {
  /** See {@link Caller.subject}. */
  subject: string
  owner: Owner
}

/** Sessions of browsers, kept by the browser in a signed cookie. */
export interface Sessions {
  /**
   * Starts a session.
   *
   * @returns the cookie's value, and how long it is valid.
   * @example const { cookie, lifetimeSeconds } = await sessions.open({ subject: 'anna', owner: { sub: 'anna', tenant: '' } })
   */
  open(session: Session): Promise<{ cookie: string; lifetimeSeconds: number }>

  /**
   * The session of a cookie's value; `undefined` for one that is not valid now.
   *
   * @example const session = await sessions.read(cookie)
   */
  read(cookie: string): Promise<Session | undefined>
}

/** This server as a client of an OpenID Connect issuer. */
export interface IssuerClient {
  /** The address of the issuer, as it stands in its tokens. */
  issuer: string
  clientId: string
  /** What is asked for, separated by spaces. */
  scope: string
}

/** Sign-in of administrators at an issuer (OpenID Connect). */
export interface IssuerSignIn {
  /**
   * Begins a sign-in.
   *
   * @param redirectUri where the issuer sends the browser afterwards.
   * @returns where to send the browser now, and what it must bring back in a cookie.
   * @throws AppError `unavailable` when the issuer cannot be reached.
   * @example const { url, attempt } = await signIn.begin(`${publicUrl}/admin/sign-in/callback`)
   */
  begin(redirectUri: string): Promise<{ url: string; attempt: string; lifetimeSeconds: number }>

  /**
   * Ends a sign-in.
   *
   * @param answer the whole address that the issuer has sent the browser to.
   * @param attempt what {@link begin} has answered.
   * @throws AppError `unauthenticated` when the answer does not belong to the attempt or came too late, `forbidden` for
   *   who is no administrator, `unavailable` when the issuer cannot be reached.
   * @example const session = await signIn.finish(new URL(request.url, publicUrl), attempt)
   */
  finish(answer: URL, attempt: string): Promise<Session>
}
