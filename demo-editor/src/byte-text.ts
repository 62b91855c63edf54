export type Encoding = 'hex' | 'base64'

/** Bytes as text: hex in pairs, so that lines break between bytes. */
export function bytesToText(bytes: Uint8Array, encoding: Encoding): string {
  if (encoding === 'base64') return btoa(String.fromCharCode(...bytes))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

export function sizeToText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const kib = bytes / 1024
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`
}
