import { launchBrowser } from '../browser/browser.ts'
import { startDemo } from '../browser/running-demo.ts'
import { openAlbum } from './album.ts'
import { walk } from './walk.ts'

// Apart from those of `npm start` and of the tests.
const PORT_OFFSET = 15_500

const WIDTHS = {
  desktop: { documentName: 'a-week-by-the-sea', viewport: { width: 1360, height: 860 } },
  phone: { documentName: 'by-the-sea', viewport: { width: 360, height: 740 } },
} as const

/** Walks through the demo twice and resolves with the exit code. Each step is asserted before its picture is taken. */
export async function main(): Promise<number> {
  const { album, folder } = openAlbum()
  const demo = await startDemo(PORT_OFFSET)
  const browser = await launchBrowser()
  let steps = 0
  let pictures = 0
  try {
    for (const width of ['desktop', 'phone'] as const) {
      const taken = album(width)
      const step = (what: string) => {
        steps += 1
        console.log(`${width}: ${what}`)
      }
      await walk({ browser, url: demo.url, ...WIDTHS[width], album: taken, step })
      pictures += taken.pictures
    }
    console.log(`${steps} steps held, ${pictures} pictures in ${folder}`)
    return 0
  } catch (error) {
    console.error(error instanceof Error ? error.stack : error)
    console.error(`NOT SO, after ${steps} steps`)
    return 1
  } finally {
    await browser.close()
    await demo.dispose()
  }
}
