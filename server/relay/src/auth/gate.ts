import { isLoopbackHost } from './loopback.ts'

/** The headers of an upgrade that say where a web page comes from. */
export interface UpgradeHeaders {
  host?: string | undefined
  origin?: string | undefined
}

/**
 * Whether this upgrade may become a connection. A web page on any site can open a WebSocket to any host, 127.0.0.1
 * included, and browsers send its Origin along; what is no browser sends none.
 */
export type Gate = (headers: UpgradeHeaders) => boolean

/**
 * `origins` lists the web origins that may connect. Without it: those of this machine where there is no auth, every one
 * where each join needs a token of its own. Without auth the Host must be this machine's too, or a name that an
 * attacker's DNS points at 127.0.0.1 would pass for our own. Throws TypeError for what is no origin.
 */
export function createGate({ origins, hasAuth }: { origins: readonly string[] | undefined; hasAuth: boolean }): Gate {
  for (const origin of origins ?? []) {
    if (originOf(origin) !== origin)
      throw new TypeError(`origins: "${origin}" is no origin such as https://app.example`)
  }
  return ({ host = '', origin }) => {
    if (!hasAuth && !isLoopbackHost(hostNameOf(`http://${host}`))) return false
    if (origin === undefined) return true
    if (origins) return origins.includes(origin)
    return hasAuth || (/^https?:/.test(origin) && isLoopbackHost(hostNameOf(origin)))
  }
}

function originOf(value: string): string | undefined {
  return URL.canParse(value) ? new URL(value).origin : undefined
}

/** "" for what is no URL: that is no loopback host either. */
function hostNameOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : ''
}
