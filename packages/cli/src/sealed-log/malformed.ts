import { EXIT, Failure } from '../failure.ts'

export const malformed = (what: string): Failure =>
  new Failure('malformed', `the sealed log is damaged: it has ${what}`, EXIT.contradiction)
