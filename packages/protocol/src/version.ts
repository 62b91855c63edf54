/**
 * History of the protocol, one line per version:
 *   1  first version
 *
 * Client and relay are updated and rolled back in either order. Two rules make that safe: a range
 * MIN_PROTOCOL_VERSION..PROTOCOL_VERSION only ever loses its lower end, after every deployment speaks the upper one;
 * and `hello`, `welcome`'s first field, `incompatible` and the frame around them never change their layout.
 */
export const PROTOCOL_VERSION = 1

/** The oldest version this code still speaks. */
export const MIN_PROTOCOL_VERSION = 1

export interface VersionRange {
  readonly minVersion: number
  readonly maxVersion: number
}

/** What this code speaks. */
export const SUPPORTED_VERSIONS: VersionRange = { minVersion: MIN_PROTOCOL_VERSION, maxVersion: PROTOCOL_VERSION }

/** The highest version both sides speak, or undefined: then the relay answers `incompatible` and closes with 4426. */
export function negotiateVersion(theirs: VersionRange, ours: VersionRange = SUPPORTED_VERSIONS): number | undefined {
  const highest = Math.min(theirs.maxVersion, ours.maxVersion)
  return highest >= Math.max(theirs.minVersion, ours.minVersion) ? highest : undefined
}
