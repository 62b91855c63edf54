/**
 * The store's key, sealed under a key that this device's browser keeps and does not give out. Whoever can run code in the page, or copies the browser's profile,
 * can have it used: it saves asking the key endpoint, and protects from nothing that the endpoint's answer would protect from.
 */
export interface DeviceLock {
  readonly key: CryptoKey
  readonly iv: Uint8Array
  readonly sealed: Uint8Array
}

const IV_BYTES = 12

/** Under a key of its own, which seals nothing else. */
export async function lockToDevice(storeKey: Uint8Array): Promise<DeviceLock> {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, new Uint8Array(storeKey))
  return { key, iv, sealed: new Uint8Array(sealed) }
}

/** Undefined: it does not open. */
export async function openDeviceLock({ key, iv, sealed }: DeviceLock): Promise<Uint8Array | undefined> {
  try {
    const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: new Uint8Array(iv) }, key, new Uint8Array(sealed))
    return new Uint8Array(opened)
  } catch {
    return undefined
  }
}
