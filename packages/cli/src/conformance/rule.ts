import type { Session } from './session.ts'

/** One promise of an endpoint, by the name that its documentation cites. */
export interface Rule {
  /** `KE…` are those of the contract, the others have a word for what they look at. */
  readonly id: string
  readonly title: string
  /** Who asks for it. */
  readonly source: string
  /**
   * Resolves with a remark, if there is one, where the rule is kept.
   * @throws Unmet, Skipped, NoAnswer
   */
  run(session: Session): Promise<string | undefined>
}
