export interface Report {
  readonly name: string
  readonly converged: boolean
  readonly authors: number
  /** SHA-256 of the trace's own end, and of the text of every provider, the fresh reader and every desk. */
  readonly expectedHash: string
  readonly hashes: readonly string[]
  readonly edits: number
  readonly transactions: number
  readonly entries: number
  /** Of the entries: the whole history, which a relay keeps at retention `all`. */
  readonly sealedBytes: number
  /** What it keeps at `head`, and what whoever comes next downloads: a checkpoint of the end, sealed. */
  readonly checkpointBytes: number
  /** Of the same document, as Yjs encodes it. */
  readonly stateBytes: number
  readonly seconds: number
  readonly coldJoinSeconds: number
  readonly envelopesAudited: number
  readonly repeatedNonces: readonly string[]
  readonly canaries: number
  /** Empty if none. */
  readonly canariesFound: string
  readonly problems: readonly string[]
}

/** What has to hold, each with its name; the replay succeeds if nothing is missing. */
export function failures(report: Report): string[] {
  const checks: [boolean, string][] = [
    [report.converged, 'the documents did not converge'],
    [report.hashes.every((hash) => hash === report.expectedHash), 'a text is not the end of the trace'],
    [report.entries > 0 && report.envelopesAudited >= report.entries, 'fewer envelopes were audited than stored'],
    [report.repeatedNonces.length === 0, `nonces repeated: ${report.repeatedNonces.join(', ')}`],
    [report.canariesFound === '', `canaries found:\n${report.canariesFound}`],
    [report.problems.length === 0, `problems met: ${report.problems.join('; ')}`],
  ]
  return checks.filter(([holds]) => !holds).map(([, failure]) => failure)
}

export function describe(report: Report): string {
  const whole = (number: number): string => number.toLocaleString('en')
  const equal = report.hashes.filter((hash) => hash === report.expectedHash).length
  const lines = [
    ['converged', `${report.converged ? 'yes' : 'NO'}: ${report.authors} author(s) and a fresh reader`],
    ['sha256', `${report.expectedHash}, equal in ${equal} of ${report.hashes.length} texts`],
    ['edits', `${whole(report.edits)} in ${whole(report.transactions)} transactions`],
    ['entries', whole(report.entries)],
    ['sealed bytes per edit', (report.sealedBytes / report.edits).toFixed(1)],
    ['kept at `all`', `${whole(report.sealedBytes)} bytes of history`],
    [
      'kept at `head`',
      `${whole(report.checkpointBytes)} bytes, ${(report.checkpointBytes / report.stateBytes).toFixed(2)} times its Yjs state`,
    ],
    ['seconds', `${report.seconds.toFixed(1)}, cold join ${report.coldJoinSeconds.toFixed(1)}`],
    [
      'nonces',
      report.repeatedNonces.length === 0 ? `none repeated in ${whole(report.envelopesAudited)} envelopes` : 'REPEATED',
    ],
    ['canaries', report.canariesFound === '' ? `none of ${report.canaries} found in frames, log and output` : 'FOUND'],
  ]
  const missing = failures(report).map((failure) => `  FAILED: ${failure}`)
  return [report.name, ...lines.map(([label = '', value]) => `  ${label.padEnd(22)} ${value}`), ...missing].join('\n')
}
