import { prove } from './prove.ts'
import { describe, failures } from './report.ts'

// Apart from those of `npm start` and of the tests.
const PORT_OFFSET = 14_500

/** Prints what was found where, and resolves with the exit code. `gcore`: its path, if this machine has it. */
export async function main(gcore: string | undefined): Promise<number> {
  const proof = await prove(PORT_OFFSET, gcore)
  console.log(describe(proof))
  for (const place of proof.skipped) console.log(`skipped: ${place}`)
  const found = failures(proof)
  for (const failure of found) console.log(`NOT SO: ${failure}`)
  console.log(found.length === 0 ? `0 secrets found in ${proof.places.length} places` : `${found.length} failures`)
  return found.length === 0 ? 0 : 1
}
