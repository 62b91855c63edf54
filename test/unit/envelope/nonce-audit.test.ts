import { encodeHeader } from '@y-sealed/protocol/header'
import { expect, it } from 'vitest'
import { NonceAudit } from '../../support/nonce-audit.ts'
import { text } from './fixtures.ts'

const salt = new Uint8Array(16).fill(1)
function envelope(
  fields: { kind?: 1 | 2 | 3; epochIndex?: number; salt?: Uint8Array; counter?: number },
  sealed: string,
) {
  const header = encodeHeader({ kind: 1, epochIndex: 0, salt, counter: 1, ...fields })
  return Uint8Array.of(...header, ...text(sealed.padEnd(18)))
}

it('the nonce audit finds one counter with two ciphertexts, once', () => {
  const audit = new NonceAudit()
  audit.observe('doc-1', envelope({}, 'one'))
  audit.observe('doc-1', envelope({}, 'two'))
  audit.observe('doc-1', envelope({}, 'three'))
  expect(audit.repeated.length).toBe(1)
  expect(audit.observed).toBe(1)
  expect(() => audit.assertClean()).toThrow('1 of 1 nonces repeated')
})

it('the nonce audit does not mind a resend, nor another document, epoch, salt, kind or counter', () => {
  const audit = new NonceAudit()
  audit.observe('doc-1', envelope({}, 'one'))
  audit.observe('doc-1', envelope({}, 'one'))
  audit.observe('doc-2', envelope({}, 'two'))
  audit.observe('doc-1', envelope({ epochIndex: 1 }, 'three'))
  audit.observe('doc-1', envelope({ salt: new Uint8Array(16) }, 'four'))
  audit.observe('doc-1', envelope({ kind: 3 }, 'five'))
  audit.observe('doc-1', envelope({ counter: 2 }, 'six'))
  expect(audit.observed).toBe(6)
  audit.assertClean()
})
