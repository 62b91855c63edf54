import { DEFAULT_RELAY_LIMITS } from '../limits.ts'
import type { Resolved, Said } from './resolve.ts'
import { SETTING_KEYS } from './settings.ts'

/** What is in force, a line each: its key, who said so, and what. Without the passwords that addresses may have. */
export function printedConfig({ settings, said }: Resolved): string {
  const lines = SETTING_KEYS.filter((key) => key !== 'limits').map((key) => lineOf(key, said[key]))
  const limits = Object.entries({ ...DEFAULT_RELAY_LIMITS, ...settings.limits }).map(([name, number]) => {
    const isSaid = Object.hasOwn(settings.limits, name)
    return lineOf(`limits.${name}`, { text: String(number), source: (isSaid && said.limits?.source) || 'default' })
  })
  return `${[...lines, ...limits].join('\n')}\n`
}

function lineOf(name: string, said: Said | undefined): string {
  return `${name.padEnd(32)} ${(said?.source ?? 'unset').padEnd(12)} ${said ? redacted(said.text) : ''}`.trimEnd()
}

/** Of an address with a user and a password, or with parameters, the host only: `postgres://***@host/…`. */
export function redacted(text: string): string {
  return text.replace(/^([a-z+]+:\/\/)[^/]*@/, '$1***@').replace(/^([a-z+]+:\/\/[^?]*)\?.*$/, '$1?***')
}
