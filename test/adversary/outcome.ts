import type {} from 'vitest'

/** What the table says of an attack that was played and stopped. */
export interface Outcome {
  readonly id: string
  readonly title: string
  /** What the hostile relay, member or stranger did. */
  readonly done: string
  readonly noticed: string
  readonly after: string
  readonly lost: string
}

declare module 'vitest' {
  interface TaskMeta {
    outcome?: Outcome
  }
}
