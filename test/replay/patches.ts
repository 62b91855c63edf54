import type * as Y from 'yjs'
import type { Patch, Trace } from './trace.ts'

const SURROGATE = /[\uD800-\uDFFF]/

/** Whether code points and UTF-16 units differ anywhere in the trace. Where they do not, nothing needs converting. */
export function isAstral(trace: Trace): boolean {
  if (SURROGATE.test(trace.startContent)) return true
  return trace.transactions.some(({ patches }) => patches.some(([, , insert]) => SURROGATE.test(insert)))
}

/** Where code point number `codePoints` begins, counted in the UTF-16 units that Yjs counts. */
export function utf16Offset(text: string, codePoints: number): number {
  let offset = 0
  for (let passed = 0; passed < codePoints; passed++) {
    const codePoint = text.codePointAt(offset)
    if (codePoint === undefined)
      throw new RangeError(`text ends ${codePoints - passed} code points before the position`)
    offset += codePoint > 0xffff ? 2 : 1
  }
  return offset
}

/** Types the patches into the text, one after the other. Call it inside a Yjs transaction. */
export function applyPatches(text: Y.Text, patches: readonly Patch[], astral: boolean): void {
  for (const [position, deleteCount, insert] of patches) {
    const content = astral ? text.toString() : ''
    const start = astral ? utf16Offset(content, position) : position
    const length = astral ? utf16Offset(content.slice(start), deleteCount) : deleteCount
    if (length > 0) text.delete(start, length)
    if (insert !== '') text.insert(start, insert)
  }
}
