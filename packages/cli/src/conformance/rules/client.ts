import type { Rule } from '../rule.ts'
import { Skipped } from '../verdict.ts'

/** Named, so that the list is whole: they are about the page, and no endpoint can keep or break them. */
const OF_THE_CLIENT: readonly (readonly [string, string])[] = [
  ['KE17', 'a client survives rejections, non-answers and thenables'],
  ['KE18', 'a client that finds the endpoint down says so, and recovers'],
  ['KE19', 'a client goes on with the keys it has while the endpoint is down'],
]

export const CLIENT: readonly Rule[] = OF_THE_CLIENT.map(([id, title]) => ({
  id,
  title,
  source: 'TinyMCE, rtc_server_disconnected',
  async run() {
    throw new Skipped('of the client, not of the endpoint')
  },
}))
