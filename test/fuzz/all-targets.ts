import type { Target } from './target.ts'
import { awarenessBody, checkpointBody, witnessBody } from './targets/bodies.ts'
import { deviceRow } from './targets/device-row.ts'
import { envelope } from './targets/envelope.ts'
import { epochRecord, recordStart } from './targets/epoch-record.ts'
import { downFrame, upFrame } from './targets/frames.ts'
import { header } from './targets/header.ts'
import { keyAnswer } from './targets/key-answer.ts'
import { keyFile } from './targets/key-file.ts'
import { keyRequest } from './targets/key-request.ts'
import { logFile } from './targets/log-file.ts'
import { parts } from './targets/parts.ts'
import { plaintext } from './targets/plaintext.ts'
import { providerWords } from './targets/provider-words.ts'
import { relayFile } from './targets/relay-file.ts'
import { relaySocket } from './targets/relay-socket.ts'
import { sealedUpdate } from './targets/sealed-update.ts'

/** Everything that reads bytes from a stranger. */
export const ALL_TARGETS: readonly Target[] = [
  header,
  envelope,
  plaintext,
  parts,
  checkpointBody,
  witnessBody,
  awarenessBody,
  epochRecord,
  recordStart,
  upFrame,
  downFrame,
  keyAnswer,
  keyRequest,
  relaySocket,
  relayFile,
  keyFile,
  logFile,
  sealedUpdate,
  providerWords,
  deviceRow,
]
