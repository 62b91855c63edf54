import { closeReasons } from '@y-sealed/protocol'
import { Metrics } from '../../server/relay/src/telemetry/metrics.ts'

/** All that a relay can have on /metrics: the type of each family, by its name. */
export function metricFamilies(): Map<string, string> {
  const metrics = new Metrics()
  metrics.refused('limit')
  metrics.channelClosed(closeReasons.revoked.code)
  metrics.connectionClosed(closeReasons.draining.code)
  const socketBytes = { received: 1, sent: 1 }
  const text = metrics.text({ connections: 1, rooms: 1, sessions: 1, heldBytes: 0, socketBytes, isBusUp: true })
  return new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type = '']) => [name, type]))
}
