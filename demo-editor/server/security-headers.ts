import helmet from 'helmet'

type Middleware = ReturnType<typeof helmet>

/**
 * A content security policy without any `unsafe-`: even a document that could smuggle a script into the page would not get it
 * run, and nothing can be sent anywhere but to the relay, the key endpoint and this server.
 * @param connectTo origins that the page talks to besides its own
 */
export function securityHeaders(connectTo: string[]): Middleware {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        // Pictures are in the document, as data: it is sealed with the rest. None is fetched from a host that would learn who reads.
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'", ...connectTo],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        requireTrustedTypesFor: ["'script'"],
        // ProseMirror's own policy, for reading what is pasted into a document of no window.
        trustedTypes: ['ProseMirrorClipboard'],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    // The demo speaks http on loopback only.
    strictTransportSecurity: false,
  })
}
