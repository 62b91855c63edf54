import { EventEmitter } from 'node:events'
import { setInterval as every } from 'node:timers/promises'
import { patiently, untilTrue } from '../support/events.ts'
import { below, pick, seededRandom } from '../support/random.ts'
import { drawFate, type Fate } from './fate.ts'
import { strike } from './network.ts'
import type { Writer } from './writer.ts'

/** 20 edits per second and writer, which is the issue's. */
const TICK_MS = 50
/** The absent one types at a tenth of that: an afternoon on a train. */
const TICKS_PER_ABSENT_EDIT = 10
/** Between two rotations: up to a second, so that some follow one another at once and others let the log grow. */
const MAX_TICKS_BETWEEN = 20
/** A strike every second or so, each for half a second. */
const STRIKE_CHANCE = 0.05
const STRIKE_TICKS = 10
/** One rotation in five is wished for by two at once. */
const RACE_CHANCE = 0.2
/** The relay is killed beside the third rotation, and beside one in ten of the others, whatever step they are at. */
const FIRST_KILL = 3
const KILL_CHANCE = 0.1
/** Who finds the lease taken asks again after 10 s at most; some of that in a row means that nobody gets on. */
const ROTATION_PATIENCE_MS = 60_000

export interface Stage {
  readonly seed: string
  readonly writers: readonly Writer[]
  /** Types all the while, and hears nothing. */
  readonly absent: Writer
  readonly rotations: number
  /** kill -9, and another process on the same data. */
  killRelay(): Promise<void>
}

/** What happened, for a test to see that anything did. */
export interface Deeds {
  /** Index of the newest epoch. */
  rotations: number
  readonly rotators: Set<string>
  readonly blows: Fate['blow'][]
  strikes: number
  kills: number
}

/** Everybody types, connections break, members rotate and are killed while they do, until so many epochs were opened. */
export async function playChaos(stage: Stage): Promise<Deeds> {
  const chaos = new Chaos(stage)
  const typing = chaos.type()
  try {
    await chaos.rotate()
  } finally {
    chaos.isOver = true
    await typing
    chaos.endStrikes(() => true)
  }
  return chaos.deeds
}

class Chaos {
  readonly deeds: Deeds = { rotations: 0, rotators: new Set(), blows: [], strikes: 0, kills: 0 }
  isOver = false
  private readonly stage: Stage
  private readonly ticks = new EventEmitter()
  private tick = 0
  private readonly rotating = new Set<Writer>()
  /** Under way, oldest first. */
  private strikes: { readonly writer: Writer; readonly until: number; end(): void }[] = []
  private relayIsBack: Promise<void> = Promise.resolve()

  constructor(stage: Stage) {
    this.stage = stage
  }

  async type(): Promise<void> {
    const { seed, writers, absent } = this.stage
    const typing = seededRandom(`${seed}/typing`)
    const network = seededRandom(`${seed}/network`)
    for await (const _ of every(TICK_MS)) {
      if (this.isOver) return
      for (const writer of writers) writer.type(typing)
      if (this.tick % TICKS_PER_ABSENT_EDIT === 0) absent.type(typing)
      const victim = network() < STRIKE_CHANCE ? pick(network, writers) : undefined
      // A rotator has a fate of its own.
      if (victim !== undefined && !this.rotating.has(victim)) {
        const end = strike(network, victim)
        this.strikes.push({ writer: victim, until: this.tick + STRIKE_TICKS, end })
        this.deeds.strikes++
      }
      this.endStrikes(({ until }) => until <= this.tick)
      this.tick++
      this.ticks.emit('tick')
    }
  }

  async rotate(): Promise<void> {
    const { seed, writers, rotations } = this.stage
    const random = seededRandom(`${seed}/rotations`)
    for (let round = 1; this.deeds.rotations < rotations; round++) {
      await this.pass(below(random, MAX_TICKS_BETWEEN))
      const [first, second] = [pick(random, writers), pick(random, writers)]
      const fate = drawFate(random)
      const keepsDocument = random() < 0.5
      const isRace = random() < RACE_CHANCE && first !== second
      if (random() < KILL_CHANCE || round === FIRST_KILL) this.killRelay()
      await Promise.all([
        this.rotateBy(first, fate, keepsDocument),
        isRace ? this.rotateBy(second, undefined, keepsDocument) : undefined,
      ])
    }
    await this.relayIsBack
  }

  endStrikes(areOver: (strike: { readonly writer: Writer; readonly until: number }) => boolean): void {
    for (const strike of this.strikes.filter(areOver)) strike.end()
    this.strikes = this.strikes.filter((strike) => !areOver(strike))
  }

  /** One member's rotation and what befalls it. */
  private async rotateBy(rotator: Writer, fate: Fate | undefined, keepsDocument: boolean): Promise<void> {
    const { wire, provider } = rotator
    this.rotating.add(rotator)
    this.endStrikes(({ writer }) => writer === rotator)
    let isOver = false
    if (fate?.blow === 'lost') wire.cutAt(fate.direction, ({ type }) => type === fate.type)
    else if (fate !== undefined) {
      const isThere = wire.untilPassed(fate.direction, ({ type }) => type === fate.type)
      void isThere.then(() => {
        if (!isOver) this.befall(rotator, fate.blow, keepsDocument)
      })
    }
    try {
      const epoch = await patiently(provider.rotateKey(), `the rotation by ${rotator.name}`, ROTATION_PATIENCE_MS)
      this.deeds.rotations = Math.max(this.deeds.rotations, epoch.index)
      this.deeds.rotators.add(rotator.name)
    } catch (error) {
      // Whoever died has nothing to say about it.
      if (rotator.provider === provider) throw error
    } finally {
      isOver = true
      wire.calm()
      this.rotating.delete(rotator)
    }
  }

  private befall(rotator: Writer, blow: Fate['blow'], keepsDocument: boolean): void {
    this.deeds.blows.push(blow)
    if (blow === 'cut') rotator.wire.cut()
    else if (blow === 'relay') this.killRelay()
    else if (blow === 'dies') {
      rotator.die()
      rotator.comeBack(keepsDocument)
    }
  }

  /** One kill after the other. */
  private killRelay(): void {
    this.deeds.kills++
    this.relayIsBack = this.relayIsBack.then(() => this.stage.killRelay())
  }

  private pass(ticks: number): Promise<void> {
    const end = this.tick + ticks
    return untilTrue(this.ticks, 'tick', () => this.tick >= end)
  }
}
