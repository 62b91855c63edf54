import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { metricFamilies } from './metric-families.ts'

interface Panel {
  title: string
  targets: { expr: string }[]
}

const dashboard: { panels: Panel[]; templating: unknown } = JSON.parse(
  readFileSync(join(projectRoot(), 'server/relay/deploy/dashboard.json'), 'utf8'),
)

it('the dashboard asks for metrics that there are, each by the name that its kind has, and leaves none out', () => {
  const known = metricFamilies()
  const asked = dashboard.panels.flatMap(({ targets }) =>
    targets.flatMap(({ expr }) => expr.match(/y_sealed_relay_\w+/g) ?? []),
  )
  const names = new Map(
    [...known].flatMap(([name, type]) =>
      (type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).map((end) => [name + end, name]),
    ),
  )
  expect(asked.filter((name) => !names.has(name))).toEqual([])
  expect([...known.keys()].filter((family) => !asked.some((name) => names.get(name) === family))).toEqual([])
  expect(new Set(dashboard.panels.map(({ title }) => title)).size).toBe(dashboard.panels.length)
})
