import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe-core finds in this part of the page as it is, each with the elements that it finds wrong. */
export async function seriousProblems(page: Page, within = 'body'): Promise<string[]> {
  await page.evaluate(finishMotion)
  // Through the debugger: the page's own policy would not let it in.
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(AXE)
  const { violations } = await page.evaluate<AxeResult>(`axe.run('${within}')`)
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
}

interface AxeResult {
  violations: { id: string; nodes: { html: string }[] }[]
}

/** Colours are measured where they have come to rest. */
function finishMotion(): void {
  for (const animation of document.getAnimations()) {
    if (animation.effect?.getComputedTiming().iterations === Number.POSITIVE_INFINITY) animation.cancel()
    else animation.finish()
  }
}
