import type { Queries } from './postgres-database.ts'
import type { PostgresDocument } from './postgres-documents.ts'
import type { Quota } from './quota.ts'
import { isOverQuota } from './quota.ts'

const SUM = 'SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM documents WHERE tenant = $1'

// A row that all documents of a tenant share would have them wait for each other with each keystroke. So they are added up, and as
// rarely as this; oftener from nine tenths of the quota on, where some megabytes would matter.
const REMEMBERED_MS = 30_000
const NEAR = 0.9

// 100 B each; the one that was looked at longest ago goes first.
const MAX_REMEMBERED = 10_000

/** What the documents of each tenant take together. */
export class PostgresTenants {
  readonly #sums = new Map<string, { bytes: number; readAt: number }>()

  /** Whether so many bytes more are too many for this document, or for its tenant. */
  async isOver(
    queries: Queries,
    quota: Quota | undefined,
    { bytes, tenant }: Pick<PostgresDocument, 'bytes' | 'tenant'>,
    addedBytes: number,
  ): Promise<boolean> {
    if (!quota) return false
    const tenantBytes = tenant === undefined ? 0 : await this.#bytesOf(queries, tenant, quota.tenantBytes, addedBytes)
    return isOverQuota(quota, { documentBytes: bytes, tenantBytes }, addedBytes)
  }

  async #bytesOf(queries: Queries, tenant: string, quotaBytes: number, addedBytes: number): Promise<number> {
    const known = this.#sums.get(tenant)
    const isFresh = known !== undefined && performance.now() - known.readAt < REMEMBERED_MS
    if (isFresh && known.bytes + addedBytes < quotaBytes * NEAR) {
      known.bytes += addedBytes
      return known.bytes - addedBytes
    }
    const [row] = await queries.query<{ bytes: number }>(SUM, [tenant])
    const bytes = row?.bytes ?? 0
    this.#sums.delete(tenant)
    this.#sums.set(tenant, { bytes: bytes + addedBytes, readAt: performance.now() })
    const [oldest] = this.#sums.keys()
    if (this.#sums.size > MAX_REMEMBERED && oldest !== undefined) this.#sums.delete(oldest)
    return bytes
  }
}
