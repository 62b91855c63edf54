import type { ServerKind } from '../servers/server-kind.ts'

/** One number that a row measures; units are part of its key. */
export interface Metric {
  readonly key: string
  readonly label: string
  /** Digits after the point. */
  readonly digits: number
  /** A peer's is also shown as a multiple of ours. */
  readonly isCompared?: boolean
  /** Shown as the sum of all repetitions: what is lost in one of them is lost. */
  readonly isTotal?: boolean
}

/** Figures of one measurement, by the keys of the row's metrics. */
export type Figures = Readonly<Record<string, number>>

/** Medians by subject, then by metric. */
export type Medians = Readonly<Record<string, Figures>>

/** A ratio or figure to reach, and whether these medians reach it. Undefined where what it needs was not measured. */
export interface Goal {
  readonly text: string
  judge(medians: Medians): Verdict | undefined
}

export interface Verdict {
  readonly isReached: boolean
  /** What was measured, in the words of the goal. */
  readonly measured: string
}

/** What a measurement may use. */
export interface Bench {
  /** The Node binary under which servers and clients run. */
  readonly node: string
  /** Why a server cannot be had, by its name. */
  readonly missing: ReadonlyMap<ServerKind, string>
  /** A few seconds in all: that it works, not how fast it is. */
  readonly isSample: boolean
}

/** One row of the bench: the subjects are measured in turns, A, B, C, A, B, C … */
export interface Row {
  readonly name: string
  readonly title: string
  /** What is measured, in a sentence or two. */
  readonly note: string
  /** Instead of the run's number of repetitions. */
  repetitions?(bench: Bench): number
  readonly metrics: readonly Metric[]
  readonly goals: readonly Goal[]
  subjects(bench: Bench): readonly Subject[]
}

export interface Subject {
  readonly name: string
  /** The server that it needs, if that may be missing. */
  readonly needs?: ServerKind
  /** `repetition` counts from 1. */
  measure(repetition: number): Promise<Figures>
}

/** Thrown where something that a subject needs is absent: it is then left out by name, with this reason. */
export class Unavailable extends Error {}
