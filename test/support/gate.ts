/** Where work waits until the test lets it through. */
export class Gate {
  /** Resolves when somebody has come to the gate. */
  readonly reached: Promise<void>
  private readonly opened: Promise<void>
  private arrive = (): void => {}
  private letThrough = (): void => {}

  constructor() {
    this.reached = new Promise((resolve) => {
      this.arrive = resolve
    })
    this.opened = new Promise((resolve) => {
      this.letThrough = resolve
    })
  }

  /** Waits, unless the gate is open already. */
  pass(): Promise<void> {
    this.arrive()
    return this.opened
  }

  /** For good. */
  open(): void {
    this.letThrough()
  }
}
