import { expect } from 'vitest'
import type { DemoPage } from './demo-page.ts'

/** Whatever a test is about: nobody's page complained. */
export async function closePages(...pages: DemoPage[]): Promise<void> {
  for (const { complaints, context } of pages) {
    expect(complaints).toEqual([])
    await context.close()
  }
}
