/** Of whatever was thrown, its name only: the words of an error may quote content. */
export const errorName = (error: unknown): string => (error instanceof Error ? error.name : 'error')
