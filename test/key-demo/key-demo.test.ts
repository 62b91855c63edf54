import { expect, it } from 'vitest'
import { launchBrowser, skipBrowserTests } from '../browser/browser.ts'
import { freshPostgres, skipPostgresTests } from '../support/postgres.ts'
import { playKeyDemo } from './key-demo.ts'

it.skipIf(skipBrowserTests || skipPostgresTests)(
  'a sample of npm run key-demo: everybody can what they should, and no word is lost',
  async () => {
    const browser = await launchBrowser()
    try {
      const report = await playKeyDemo({ browser, database: await freshPostgres(), outageMs: 2_000, words: 3 })
      expect(report.findings.filter(({ asItShould }) => !asItShould)).toEqual([])
      expect(report.lost).toBe(0)
      expect(report.typed).toBeGreaterThan(12)
      expect(report.questions.every((count) => count > 0)).toBe(true)
    } finally {
      await browser.close()
    }
  },
  120_000,
)
