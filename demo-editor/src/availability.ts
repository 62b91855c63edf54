/** Not the attribute `disabled`: a button that has the focus would lose it, and nobody could ask why it does nothing. */
export function setAvailable(button: HTMLButtonElement, available: boolean): void {
  button.setAttribute('aria-disabled', String(!available))
}

/** Listens for presses while the button is available. */
export function onPress(button: HTMLButtonElement, pressed: () => void): void {
  button.addEventListener('click', () => {
    if (button.getAttribute('aria-disabled') !== 'true') pressed()
  })
}
