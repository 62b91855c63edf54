const MS_BY_UNIT: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

const AGE = /^([1-9][0-9]{0,4})([mhd])$/

/** What an age looks like, for help and mistakes. */
export const AGE_FORM = 'an age such as 30d, 12h or 90m'

/** @throws TypeError */
export function parseAgeMs(age: string): number {
  const [, count, unit] = AGE.exec(age) ?? []
  const unitMs = MS_BY_UNIT[unit ?? '']
  if (unitMs === undefined) throw new TypeError(`rotateAfter: expected ${AGE_FORM}; got ${age}`)
  return Number(count) * unitMs
}
