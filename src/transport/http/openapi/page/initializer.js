// Runs in the browser, at …/docs/. Everything else of this server is one level up, whatever path a proxy puts before.
const here = new URL('..', document.baseURI).href.replace(/\/$/, '')
const description = `${here}/openapi.json`
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/** Requests go to the server that sent this page: its public address may be one that this browser cannot reach. */
function pointHere(response) {
  if (response.ok && response.url === description) {
    response.text = JSON.stringify({ ...JSON.parse(response.text), servers: [{ url: here }] })
  }
  return response
}

/** Lets a signed-in administrator try things out: the session's cookie counts only together with its token. */
async function addCredentials(request) {
  const { headers, method, url } = request
  if (headers.Authorization ?? headers['X-Api-Key']) {
    // Two credentials in one request are refused; the one that was typed in is the one that is meant.
    request.credentials = 'omit'
  } else if (url.startsWith(`${here}/api/`) && !SAFE_METHODS.includes(method)) {
    const token = await csrfToken()
    if (token) headers['X-CSRF-Token'] = token
  }
  return request
}

let session
/** The session's token; `undefined` for a browser that is not signed in, which is asked again the next time. */
async function csrfToken() {
  session ??= await readSession()
  return session?.data.csrf_token
}

async function readSession() {
  try {
    const answer = await fetch(`${here}/api/v1/session`)
    return answer.ok ? await answer.json() : undefined
  } catch {
    // Then the request goes out without the token, and its answer says what is missing.
    return undefined
  }
}

SwaggerUIBundle({
  dom_id: '#swagger-ui',
  url: description,
  deepLinking: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  requestInterceptor: addCredentials,
  responseInterceptor: pointHere,
})
