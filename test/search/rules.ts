import { judgeRecords } from '../../packages/provider/src/epoch/judge-records.ts'
import { judgeSwitch } from '../../packages/provider/src/epoch/judge-switch.ts'
import { rotationStep } from '../../packages/provider/src/rotation/rotation-state.ts'
import { compareJoined } from '../../packages/provider/src/session/compare-joined.ts'
import {
  appended,
  judgeAppend,
  judgeOpen,
  opened,
  released,
  renewed,
  takeLease,
  takePause,
} from '../../server/relay/src/log/epoch-state.ts'

/** The project's own transition functions. The search runs these, and no copies of them. */
export const projectRules = {
  judgeAppend,
  appended,
  judgeOpen,
  opened,
  takeLease,
  renewed,
  takePause,
  released,
  judgeRecords,
  judgeSwitch,
  compareJoined,
  rotationStep,
  /** Glue of the provider's that is no function of its own there, so that it can be broken too. */
  glue: {
    /** A checkpoint waits until the log holds all that was copied (`CoveredLog`). */
    coversLogOnly: true,
    /** What the document has and the log lacks enters the outbox when a session becomes live (protocol §7). */
    keepsLaw: true,
    /** The relay takes a counter only behind the one before it (`useSalt`). */
    countsSalts: true,
    /** What was in flight waits again when its session ends. */
    restoresOutbox: true,
    /** Entries behind the end of an epoch wait until the next one is entered (`Inbound.stopAt`). */
    stopsAtEnd: true,
    /** A rotator whose key is retired meanwhile waits no longer for what it has typed to be logged (`Rotator.close`). */
    closesRotation: true,
    /** A refusal overtakes the records that it does not name: they are waited for (`Epochs.recordAppeared`). */
    waitsForRecords: true,
    /** A record that is shown twice counts where it was shown last (`Epochs.show`). */
    showsOnce: true,
    /** Whoever has sent an `open` joins again before it accuses the relay of hiding an epoch: it may be its own (`Epochs`). */
    asksWhatBecame: true,
    /** What came while a person was to decide is read again (`Session`, `onLeaving`). */
    readsAfterHold: true,
  },
}

export type Rules = typeof projectRules
