import { encodeText } from './text.ts'

/** L"name" of protocol §2: every use of a key or a hash has a label of its own. */
export const label = (name: string): Uint8Array => encodeText(`y-sealed/v1/${name}`)
