import { MAX_APPEND_BYTES } from '@y-sealed/protocol'

/** Sealed chunks of one checkpoint together: a relay takes no more in one request, so no honest one has more to give. */
export const MAX_CHECKPOINT_BYTES = MAX_APPEND_BYTES
