import type { Attack } from '../attack.ts'
import { falseCheckpoint } from './checkpoints.ts'
import { creationRace } from './creation.ts'
import { guessableKey, hintSwap, keyCoercion, keyExposure, outage, twoKeys } from './endpoints.ts'
import { afterRemoval, foreignCheckpoint, forgedTransition, laundering, nothingHere, staleEpoch } from './epochs.ts'
import { awarenessGrowth, pendingGrowth } from './growth.ts'
import { coldRollback, falseAck, fork, rollback, withholding } from './histories.ts'
import { crossSite, forgedRequests, redirect } from './key-requests.ts'
import { awarenessSpoofing, clockSquatting, futureDelete, malformedUpdates, nestingBomb, sharedIds } from './members.ts'
import { mutation } from './mutation.ts'
import { equality, longLivedKey, nonceReuse, plaintext } from './nonces.ts'
import { awarenessReplay, drop, logReplay, lyingSequences, shuffle } from './sequence.ts'
import { beforeAuth, compression, foreignOrigin, quotas, roles, tokenInUrl, withoutTls } from './strangers.ts'
import { documentSwap, kindConfusion } from './swaps.ts'
import { crossTab } from './tabs.ts'
import { controlWords, downgrade, garbage } from './words.ts'

/** In the order in which the catalogue says to build them. */
export const attacks: readonly Attack[] = [
  ...[kindConfusion, documentSwap, mutation, twoKeys],
  ...[nonceReuse, longLivedKey, equality],
  ...[plaintext, keyExposure, tokenInUrl],
  ...[logReplay, awarenessReplay, shuffle, drop, lyingSequences],
  ...[rollback, coldRollback, fork, withholding, falseAck],
  ...[falseCheckpoint],
  ...[afterRemoval, laundering, foreignCheckpoint, staleEpoch, nothingHere, forgedTransition, creationRace],
  ...[guessableKey, keyCoercion, hintSwap, redirect, crossSite, forgedRequests, outage],
  ...[malformedUpdates, pendingGrowth, clockSquatting, futureDelete, sharedIds],
  ...[awarenessSpoofing, awarenessGrowth, nestingBomb],
  ...[beforeAuth, quotas, foreignOrigin, roles, withoutTls, compression],
  ...[downgrade, controlWords, garbage, crossTab],
]
