/** How many stored bytes a document may have, and all documents of its tenant together. */
export interface Quota {
  documentBytes: number
  tenantBytes: number
}

/** Whether so many bytes more are too many. What waits in the journal counts once it is in the tables: some kB late. */
export function isOverQuota(
  quota: Quota | undefined,
  used: { documentBytes: number; tenantBytes: number },
  addedBytes: number,
): boolean {
  if (!quota) return false
  return used.documentBytes + addedBytes > quota.documentBytes || used.tenantBytes + addedBytes > quota.tenantBytes
}
