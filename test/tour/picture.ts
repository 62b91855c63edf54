import { crc32, deflateSync } from 'node:zlib'

const WIDTH = 640
const HEIGHT = 200

/** A PNG of a sea under an evening sky, as somebody might have it on their disk (PNG specification §5, truecolour, 8 bits). */
export function seaPicture(): Buffer {
  const rows = Array.from({ length: HEIGHT }, (_row, y) =>
    // Each row begins with its filter: none.
    Buffer.from([0, ...Array.from({ length: WIDTH }, (_pixel, x) => colourAt(x, y)).flat()]),
  )
  const header = Buffer.alloc(13)
  header.writeUInt32BE(WIDTH, 0)
  header.writeUInt32BE(HEIGHT, 4)
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function colourAt(x: number, y: number): [number, number, number] {
  const horizon = HEIGHT * 0.55
  if (Math.hypot(x - WIDTH * 0.7, y - horizon * 0.8) < 26 && y < horizon) return [255, 226, 160]
  if (y < horizon) return [235 - y * 0.5, 150 + y * 0.45, 120 + y * 0.8].map(Math.round) as [number, number, number]
  const wave = Math.sin(x / 18 + y / 3) * 8 + Math.sin(x / 7 - y) * 4
  return [40 + wave, 95 + wave + (y - horizon) * 0.2, 120 + wave].map(Math.round) as [number, number, number]
}

function chunk(name: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), content])
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, checksum])
}
