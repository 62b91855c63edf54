/** What a command has around it, so that it can be run within another process too. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** All of standard input. */
  readInput(): Buffer
  /** To standard output; resolves when it is taken. */
  write(bytes: Uint8Array): Promise<void>
  /** A line to standard error. */
  warn(text: string): void
}

export const printTo =
  ({ write }: Pick<Surroundings, 'write'>) =>
  (text: string): Promise<void> =>
    write(Buffer.from(`${text}\n`))
