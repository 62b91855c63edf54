import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { projectRoot } from '../support/project-root.ts'

/** Pictures of each step, by day and by night. */
export interface Album {
  /** What was asserted, for the page as it stands. */
  picture(page: Page, name: string): Promise<void>
  readonly pictures: number
}

export function openAlbum(): { album(width: 'desktop' | 'phone'): Album; folder: string } {
  const folder = join(projectRoot(), 'test/browser/screenshots')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return { folder, album: (width) => albumOf(folder, width) }
}

function albumOf(folder: string, width: string): Album {
  let pictures = 0
  let step = 0
  return {
    get pictures() {
      return pictures
    },
    async picture(page, name) {
      step += 1
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        const number = String(step).padStart(2, '0')
        await page.screenshot({
          path: join(folder, `${number}-${name}-${width}-${colorScheme}.png`),
          caret: 'initial',
          animations: 'disabled',
        })
        pictures += 1
      }
    },
  }
}
