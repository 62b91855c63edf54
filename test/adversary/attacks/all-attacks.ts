import type { Attack } from '../attack.ts'
import { guessableKey, hintSwap, keyCoercion, keyExposure, outage, redirect } from './endpoints.ts'
import { afterRemoval, foreignCheckpoint, forgedTransition, laundering, nothingHere, staleEpoch } from './epochs.ts'
import { falseAck, fork, rollback } from './histories.ts'
import { mutation } from './mutation.ts'
import { equality, longLivedKey, nonceReuse, plaintext } from './nonces.ts'
import { awarenessReplay, drop, logReplay, lyingSequences, shuffle } from './sequence.ts'
import { documentSwap, kindConfusion } from './swaps.ts'
import { controlWords } from './words.ts'

/** In the order in which the catalogue says to build them. */
export const attacks: readonly Attack[] = [
  kindConfusion,
  documentSwap,
  mutation,
  nonceReuse,
  longLivedKey,
  equality,
  plaintext,
  logReplay,
  awarenessReplay,
  shuffle,
  drop,
  rollback,
  fork,
  falseAck,
  lyingSequences,

  controlWords,
  afterRemoval,
  laundering,
  foreignCheckpoint,
  staleEpoch,
  nothingHere,
  forgedTransition,
  guessableKey,
  keyCoercion,
  keyExposure,
  hintSwap,
  redirect,
  outage,
]
