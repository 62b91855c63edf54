/** A place in the product where something else is loaded: the text stands there exactly once. */
export interface Edit {
  /** From the root of the project. */
  readonly file: string
  readonly before: string
  readonly after: string
}

/** The defence that stops an attack, and the product without it. No product carries switches: its source is changed as it is loaded. */
export interface SwitchOff {
  /** Of the attack. */
  readonly id: string
  /** What is switched off. */
  readonly defence: string
  readonly edits: readonly Edit[]
  /** What the attack's story then says: red for this reason, not for just any. */
  readonly red: RegExp
  /** Why members cannot do without it even where the relay is honest; else they are shown to first. */
  readonly isVital?: string
}

/** The file without the defence. Throws where the text is not found exactly once: then the product has changed, and the edit says nothing any more. */
export function switchedOff(source: string, { file, before, after }: Edit): string {
  const found = source.split(before).length - 1
  if (found !== 1) throw new Error(`${file}: ${found} times, not once: ${before}`)
  return source.replace(before, () => after)
}
