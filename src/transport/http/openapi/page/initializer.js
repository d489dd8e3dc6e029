// Runs in the browser, at …/docs/. Everything else of this server is one level up, whatever path a proxy puts before.
const here = new URL('..', document.baseURI).href.replace(/\/$/, '')
const description = `${here}/openapi.json`

/** Requests go to the server that sent this page: its public address may be one that this browser cannot reach. */
function pointHere(response) {
  if (response.ok && response.url === description) {
    response.text = JSON.stringify({ ...JSON.parse(response.text), servers: [{ url: here }] })
  }
  return response
}

/** Two credentials in one request are refused: the one that was typed in is meant, not the session of this browser. */
function withOneCredential(request) {
  const { headers } = request
  if (headers.Authorization ?? headers['X-Api-Key']) request.credentials = 'omit'
  return request
}

SwaggerUIBundle({
  dom_id: '#swagger-ui',
  url: description,
  deepLinking: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  requestInterceptor: withOneCredential,
  responseInterceptor: pointHere,
})
