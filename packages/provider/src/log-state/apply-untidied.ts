import type * as Y from 'yjs'

/**
 * Applies updates without what Yjs does of its own accord afterwards: it deletes formats that have become redundant, which is an edit that stands in no log.
 * For a document that is compared with the log, and that nobody observes. What `apply` throws is thrown.
 */
export function applyUntidied(doc: Y.Doc, apply: () => void): void {
  doc.transact((transaction) => {
    apply()
    // Applying marks the transaction as remote, and Yjs tidies after remote ones only.
    transaction.local = true
  })
}
