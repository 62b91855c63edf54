/**
 * The URL keys are fetched from. It comes from the app's own configuration, never from a relay or a document.
 * @throws TypeError if it is not https, unless its host is this machine, or carries a user name or password
 */
export function parseEndpointUrl(url: string | URL): URL {
  const parsed = resolve(url)
  if (parsed.username !== '' || parsed.password !== '') {
    throw new TypeError('keyEndpoint: no user name or password in the URL, use the option headers')
  }
  if (parsed.protocol === 'https:' || (parsed.protocol === 'http:' && isLoopbackHost(parsed.hostname))) return parsed
  throw new TypeError(
    'keyEndpoint: the URL must be https, or http to this machine: a key must not cross a network in clear',
  )
}

/** `hostname` as the URL parser gives it: lower case, IPv4 normalised to dots, IPv6 in brackets. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

function resolve(url: string | URL): URL {
  try {
    return new URL(url, globalThis.location?.href)
  } catch {
    // The parser's own error quotes its input, which may hold a token.
    throw new TypeError(
      'keyEndpoint: not a URL; expected one such as https://app.example/keys, which outside of a page must be whole',
    )
  }
}
