/** A mistyped option is a TypeError that names it, never a default that nobody chose. */
export function refuseUnknownOptions(where: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new TypeError(`${where}: unknown option "${name}"`)
  }
}
