/** Counts how often a page answers somebody who asks for something again as soon as it was answered: 0 while one task keeps the page. */
export async function answersDuring(act: () => Promise<unknown>): Promise<number> {
  let answers = 0
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    answers++
    port2.postMessage(undefined)
  }
  port2.postMessage(undefined)
  try {
    await act()
    return answers
  } finally {
    port1.close()
  }
}
