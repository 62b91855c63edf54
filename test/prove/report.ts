import type { Place } from './places.ts'
import type { Proof } from './prove.ts'

/** What has to hold, each with its name; nothing is proved if something is missing. */
export function failures({ places, planted, secrets }: Proof): string[] {
  return places.flatMap(({ name, findings }) => {
    const leaks = findings.filter(({ canary }) => secrets.has(canary))
    const isFound = findings.some(({ canary }) => canary === planted)
    return [
      ...leaks.map(({ canary, encoding, where }) => `${secrets.get(canary)} found, as ${encoding}, in ${where}`),
      ...(isFound ? [] : [`the planted text was not found in: ${name}; its 0 proves nothing`]),
    ]
  })
}

export function describe(proof: Proof): string {
  const { places, secrets } = proof
  const row = (cells: readonly string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(42) : cell.padStart(24))).join('')
  return [
    `${secrets.size} secrets were written, and read by another member: ${[...new Set(secrets.values())].join(', ')}.`,
    row(['searched', 'size', 'secrets found', 'planted text found']),
    ...places.map((place) => row([place.name, place.size, `${countOf(proof, place)}`, asPlanted(proof, place)])),
  ].join('\n')
}

function countOf({ secrets }: Proof, { findings }: Place): number {
  return findings.filter(({ canary }) => secrets.has(canary)).length
}

function asPlanted({ planted }: Proof, { findings }: Place): string {
  const encodings = new Set(findings.filter(({ canary }) => canary === planted).map(({ encoding }) => encoding))
  return encodings.size === 0 ? 'NO' : `in ${encodings.size} encodings`
}
