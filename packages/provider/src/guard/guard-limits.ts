/** One client id makes no more ids than this in a document's life: two billion characters. Beyond 2^53 Yjs cannot count, and 2^31 keeps every sum exact. */
export const MAX_CLOCK = 2 ** 31 - 1
/**
 * Arrays and objects in each other, in a value that stands in an update. lib0 decodes them by recursion, and how deep that may go is a matter of the engine
 * and of what is on the stack already: between 3,000 and 5,000 in one browser, less in a worker. A tenth of that, so that everybody decides alike.
 */
export const MAX_VALUE_DEPTH = 256
/** Shared types in each other. Yjs deletes them by recursion, and tells every one of them of each change below it. */
export const MAX_TYPE_DEPTH = 256
