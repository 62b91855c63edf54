import { isAsItWas, type Reopened } from './reopened.ts'
import { EDITS_PER_EPOCH } from './turns.ts'

export interface Report {
  readonly name: string
  readonly authors: number
  readonly edits: number
  readonly transactions: number
  /** Transactions that changed something. */
  readonly typed: number
  /** Of what was typed, what a fresh reader does not have. */
  readonly editsLost: number
  readonly converged: boolean
  readonly texts: number
  /** Texts that are the end of the trace. */
  readonly textsAsTraced: number
  readonly rotations: number
  readonly longestRotationMs: number
  readonly longestPauseMs: number
  /** Pauses that ended without a new epoch. */
  readonly vainPauses: number
  readonly longestAckMs: number
  /** Every epoch, the present one last. */
  readonly reopened: readonly Reopened[]
  /** Epochs that ended in a text which the trace never was; undefined where that cannot be known. */
  readonly unlikeTrace: readonly number[] | undefined
  readonly entries: number
  readonly records: number
  readonly contradictions: readonly string[]
  readonly envelopesAudited: number
  readonly repeatedNonces: readonly string[]
  readonly problems: readonly string[]
  readonly seconds: number
  readonly coldJoinSeconds: number
  readonly reopenSeconds: number
}

/** What has to hold, each with its name; the demo succeeds if nothing is missing. */
export function failures(report: Report): string[] {
  const { reopened, unlikeTrace = [], contradictions, repeatedNonces, problems } = report
  const changed = reopened.filter((epoch) => !isAsItWas(epoch)).map(({ index }) => index)
  const checks: [boolean, string][] = [
    [report.editsLost === 0, `${report.editsLost} edits lost`],
    [report.converged, 'the documents did not converge'],
    [report.textsAsTraced === report.texts, 'a text is not the end of the trace'],
    [report.rotations === Math.floor(report.typed / EDITS_PER_EPOCH), 'another number of rotations than were due'],
    [report.records === report.rotations + 1, `${report.records} epochs after ${report.rotations} rotations`],
    [reopened.length === report.records, `${reopened.length} of ${report.records} epochs are listed`],
    [changed.length === 0, `epochs that are not what they were: ${changed.join(', ')}`],
    [unlikeTrace.length === 0, `epochs that ended in a text which the trace never was: ${unlikeTrace.join(', ')}`],
    [contradictions.length === 0, `the stored log contradicts itself: ${contradictions.join('; ')}`],
    [report.envelopesAudited >= report.entries, 'fewer envelopes were audited than stored'],
    [repeatedNonces.length === 0, `nonces repeated: ${repeatedNonces.join(', ')}`],
    [problems.length === 0, `problems met: ${problems.join('; ')}`],
  ]
  return checks.filter(([holds]) => !holds).map(([, failure]) => failure)
}

export function describe(report: Report): string {
  const { reopened, unlikeTrace } = report
  const asTheyWere = reopened.filter(isAsItWas).length
  const lines = [
    ['edits', `${whole(report.edits)} in ${whole(report.transactions)} transactions of ${report.authors} author(s)`],
    ['edits lost', whole(report.editsLost)],
    ['rotations', `${whole(report.rotations)}, one every ${EDITS_PER_EPOCH} edits, by all members in turn`],
    ['longest rotation', ms(report.longestRotationMs)],
    ['longest pause', `${ms(report.longestPauseMs)}, ${report.vainPauses} in vain`],
    ['longest wait for ack', ms(report.longestAckMs)],
    ['epochs reopened', `${asTheyWere} of ${reopened.length} are what they were`],
    ...(unlikeTrace
      ? [['states of the trace', `${reopened.length - 1 - unlikeTrace.length} of ${reopened.length - 1}`]]
      : []),
    [
      'converged',
      `${report.converged ? 'yes' : 'NO'}, ${report.textsAsTraced} of ${report.texts} texts are the trace's end`,
    ],
    ['stored log', `${whole(report.entries)} entries, each under the epoch of its place`],
    ['nonces', `${report.repeatedNonces.length} repeated in ${whole(report.envelopesAudited)} envelopes`],
    ['seconds', `${s(report.seconds)}, cold join ${s(report.coldJoinSeconds)}, reopening ${s(report.reopenSeconds)}`],
  ]
  return [
    report.name,
    ...reopened.map(epochLine),
    ...lines.map(([label = '', value]) => `  ${label.padEnd(22)} ${value}`),
    ...failures(report).map((failure) => `  FAILED: ${failure}`),
  ].join('\n')
}

function epochLine(epoch: Reopened): string {
  const { index, from, to, recorded, found } = epoch
  const place = to < from ? 'no entries' : `entries ${whole(from)} to ${whole(to)}`
  const text = recorded && `${whole(recorded.length)} characters, sha256 ${recorded.sha256.slice(0, 16)}…`
  const verdict = isAsItWas(epoch) ? 'ok' : `NOT OK: ${typeof found === 'string' ? found : `is ${found.sha256}`}`
  return `  epoch ${index}: ${place}, ${text ?? 'never seen'}: ${verdict}`
}

const whole = (number: number): string => number.toLocaleString('en')
const ms = (number: number): string => `${whole(Math.round(number))} ms`
const s = (number: number): string => number.toFixed(1)
