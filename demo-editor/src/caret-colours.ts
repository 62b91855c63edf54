/** The two people of the demo are always told apart, from each other and from everybody else. */
const RESERVED: Record<string, string> = { Alice: '#2f6f9f', Bob: '#b0553a' }

/** Readable with white text on them, and apart from each other on paper and in the dark. */
const COLOURS = ['#6b5ca5', '#3f7d4e', '#a8476f', '#8a6d1f', '#28797a', '#5a6472', '#7a5230', '#99405a']

/** A person's colour: the same everywhere for the same name. */
export function colourOf(name: string): string {
  const reserved = Object.hasOwn(RESERVED, name) ? RESERVED[name] : undefined
  let sum = 0
  // A prime larger than any sum of a few steps: similar names end far apart.
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521
  return reserved ?? COLOURS[sum % COLOURS.length] ?? '#5a6472'
}
