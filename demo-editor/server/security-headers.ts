import helmet from 'helmet'

type Middleware = ReturnType<typeof helmet>

const OWN_ONLY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
}

/**
 * A content security policy without any `unsafe-`: even a document that could smuggle a script into the page would not get it
 * run, and nothing can be sent anywhere but to the relay, the key endpoint and this server.
 * @param connectTo origins that the page talks to besides its own
 */
export function securityHeaders(connectTo: string[]): Middleware {
  return policy({
    ...OWN_ONLY,
    styleSrc: ["'self'"],
    // Pictures are in the document, as data: it is sealed with the rest. None is fetched from a host that would learn who reads.
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'", ...connectTo],
    requireTrustedTypesFor: ["'script'"],
    // ProseMirror's own policy, for reading what is pasted into a document of no window.
    trustedTypes: ['ProseMirrorClipboard'],
  })
}

/**
 * For the pages below /editors, which show editors as they come: some write style elements and fill elements from strings. Scripts still come from this
 * server only, and nothing is sent anywhere else.
 */
export function editorPageHeaders(connectTo: string[]): Middleware {
  return policy({
    ...OWN_ONLY,
    styleSrc: ["'self'", "'unsafe-inline'"],
    fontSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    workerSrc: ["'self'"],
    connectSrc: ["'self'", ...connectTo],
  })
}

function policy(directives: Record<string, string[]>): Middleware {
  return helmet({
    contentSecurityPolicy: { useDefaults: false, directives },
    referrerPolicy: { policy: 'no-referrer' },
    // The demo speaks http on loopback only.
    strictTransportSecurity: false,
  })
}
