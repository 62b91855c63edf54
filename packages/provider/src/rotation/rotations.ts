import type { Clock } from '@y-sealed/key-client'
import type { Down } from '@y-sealed/protocol'
import type { Epoch } from '../epoch/epoch.ts'
import type { Problems } from '../problems.ts'
import { SealedError } from '../sealed-error.ts'
import { Retry } from '../session/retry.ts'
import { type OwnEpoch, type RotationGoal, Rotator, type RotatorPorts } from './rotator.ts'

export interface RotationsPorts extends Omit<RotatorPorts, 'onOpened' | 'onEnded'> {
  readonly clock: Clock
  readonly problems: Problems
  /** What a rotation would follow now; undefined while the session cannot rotate; an error where it never will as things are. */
  goal(): RotationGoal | SealedError | undefined
  /** A rotation takes the document's lease. */
  onBegin(): void
  /** The endpoint may be asked what it holds of the present key. */
  askAgain(): void
  onOpened(opened: OwnEpoch): void
  /** The relay does not show what the endpoint knows of. */
  onContradicted(error: SealedError): void
}

interface Wish {
  resolve(epoch: Epoch): void
  reject(error: SealedError): void
}

/** Why a document is rotated (somebody asked, or the endpoint has retired the key), and the one rotation that is under way. */
export class Rotations {
  readonly #ports: RotationsPorts
  readonly #retry: Retry
  #wishes: Wish[] = []
  #rotator: Rotator | undefined
  #isDue = false
  /** The last attempt failed; the next one waits. */
  #isResting = false
  /** Entered, and not yet written in. */
  #reached: Epoch | undefined

  constructor(ports: RotationsPorts) {
    this.#ports = ports
    this.#retry = new Retry(ports.clock, () => {
      this.#isResting = false
      // It may have changed its mind.
      ports.askAgain()
      this.begin()
    })
  }

  /** The endpoint holds the key inactive: nothing is sealed with it any more. */
  get isDue(): boolean {
    return this.#isDue
  }

  get isUnderWay(): boolean {
    return this.#rotator !== undefined
  }

  /** The relay is asked to open an epoch, and may have done so. */
  get isOpening(): boolean {
    return this.#rotator?.isOpening === true
  }

  /** What the relay owes an answer to, if anything. */
  get owed(): string | undefined {
    return this.#rotator?.owed
  }

  /** Resolves with the next epoch, whoever opens it. */
  wish(): Promise<Epoch> {
    const wished = new Promise<Epoch>((resolve, reject) => {
      this.#wishes.push({ resolve, reject })
    })
    this.begin()
    return wished
  }

  due(): void {
    this.#isDue = true
    this.#rotator?.close()
    this.begin()
  }

  /** The endpoint holds the key active again. True: nothing stands in the way of writing any more. */
  notDue(): boolean {
    if (!this.#isDue || this.#rotator !== undefined) return false
    this.#isDue = false
    this.#rest(false)
    return true
  }

  /** Begins if there is a reason to, and the session can. */
  begin(): void {
    const isWanted = this.#wishes.length > 0 || (this.#isDue && !this.#isResting)
    if (!isWanted || this.#rotator !== undefined || this.#reached !== undefined) return
    const goal = this.#ports.goal()
    if (goal === undefined) return
    if (goal instanceof SealedError) {
      this.#ended(goal)
      return
    }
    this.#rotator = new Rotator(
      {
        ...this.#ports,
        onOpened: (opened) => {
          this.#rotator = undefined
          this.#ports.onOpened(opened)
        },
        onEnded: (error) => {
          this.#rotator = undefined
          if (error !== undefined) this.#ended(error)
        },
      },
      goal,
    )
    this.#ports.onBegin()
    this.#rotator.begin()
  }

  takes(message: Down): boolean {
    return this.#rotator?.takes(message) ?? false
  }

  logged(update: Uint8Array): void {
    this.#rotator?.logged(update)
  }

  /** What waits to be sent has other ids now. */
  reissued(): void {
    this.#rotator?.reissued()
  }

  read(): void {
    this.#rotator?.read()
  }

  /** A newer epoch was shown. */
  superseded(): void {
    this.#rotator?.superseded()
  }

  /** An epoch was entered. Where it is another than before, it is what everybody wished for; a document's first look is not. */
  entered(epoch: Epoch, isAnother: boolean): void {
    this.#isDue = false
    this.#rest(false)
    if (isAnother) this.#reached = epoch
  }

  /** The document is complete and can be written. Whoever wished for an epoch may use it now; whoever wishes for one from now on, gets another. */
  live(): void {
    const reached = this.#reached
    this.#reached = undefined
    if (reached !== undefined) for (const { resolve } of this.#takeWishes()) resolve(reached)
    this.begin()
  }

  /** The connection is gone; what was wished for is tried again on the next one. */
  pause(): void {
    this.#rest(false)
    this.#rotator?.stop()
    this.#rotator = undefined
  }

  /** The session is over for good. */
  end(error: SealedError): void {
    this.pause()
    this.#isDue = false
    for (const { reject } of this.#takeWishes()) reject(error)
  }

  #ended(error: SealedError): void {
    const { problems, onContradicted } = this.#ports
    for (const { reject } of this.#takeWishes()) reject(error)
    if (error.code === 'rollback') {
      onContradicted(error)
      return
    }
    if (!this.#isDue) return
    const { code, message } = error
    if (code === 'write-denied' || code === 'key-refused') {
      problems.raise('key-rotated', 'the key is retired, and this member may not rotate: edits wait', 'rotation')
    } else {
      problems.raise(code, message, 'rotation')
    }
    this.#rest(true)
  }

  #rest(isResting: boolean): void {
    this.#isResting = isResting
    if (isResting) this.#retry.soon()
    else this.#retry.stop()
  }

  #takeWishes(): Wish[] {
    const wishes = this.#wishes
    this.#wishes = []
    return wishes
  }
}
