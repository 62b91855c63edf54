import type { Clock } from '@y-sealed/key-client'
import type { Up } from '@y-sealed/protocol'
import { errorName } from '../error-name.ts'
import type { Problems } from '../problems.ts'
import type { Requests } from './channel.ts'

/** Another token is asked for when this much of the life of the one in use is over: the rest is for an issuer that is slow, or fails. */
const REFRESH_AT = 0.75
/** Whoever answers with a token that is about to end, or with none, is asked again so soon. */
const MIN_WAIT_MS = 5_000

export interface AccessRefreshPorts {
  readonly clock: Clock
  readonly problems: Problems
  readonly requests: Requests
  /** undefined: there is but one token, and its end is the session's. */
  readonly token: (() => string | Promise<string>) | undefined
}

/** Asks the app for the next access token before the one in use ends, and hands it to the relay within the session. */
export class AccessRefresh {
  readonly #ports: AccessRefreshPorts
  #timer: unknown
  /** Rises at each end, so that a token that comes too late is nobody's. */
  #life = 0

  constructor(ports: AccessRefreshPorts) {
    this.#ports = ports
  }

  /** The relay has said how long the token lasts; undefined: as long as the session. */
  lasts(lifeMs: number | undefined): void {
    this.stop()
    if (lifeMs !== undefined) this.#wait(lifeMs)
  }

  stop(): void {
    this.#life++
    this.#ports.clock.clearTimeout(this.#timer)
  }

  #wait(lifeMs: number): void {
    const { clock, token } = this.#ports
    if (token === undefined) return
    const endsAtMs = clock.now() + lifeMs
    const waitMs = Math.max(MIN_WAIT_MS, lifeMs * REFRESH_AT)
    this.#timer = clock.setTimeout(() => void this.#refresh(token, endsAtMs), waitMs)
  }

  async #refresh(ask: () => string | Promise<string>, endsAtMs: number): Promise<void> {
    const { clock, problems, requests } = this.#ports
    const life = this.#life
    try {
      const token = await ask()
      if (life !== this.#life) return
      const refresh: Up = { type: 'refresh', channel: requests.channel(), token }
      requests.send([refresh])
    } catch (error) {
      if (life !== this.#life) return
      problems.raise('authentication-failed', `the option token failed (${errorName(error)})`, 'token')
      this.#wait(Math.max(0, endsAtMs - clock.now()))
    }
  }
}
