/** What a child offers; every method takes and gives what JSON can carry. */
export type Answers = Readonly<Record<string, (input: never) => unknown>>

interface Question {
  readonly call: number
  readonly method: string
  readonly input: unknown
}

/** Answers the parent's calls until it lets go of the channel; a parent that is gone takes this process with it. */
export function answerCalls(answers: Answers): void {
  process.on('message', (question: Question) => {
    const answer = answers[question.method]
    // Several sets of answers may live in one process, such as a server's probe and the server's own.
    if (answer === undefined) return
    void (async () => {
      try {
        // Question and answer are compiled together; the channel between them carries JSON.
        reply({ call: question.call, result: await answer(question.input as never) })
      } catch (error) {
        reply({ call: question.call, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
      }
    })()
  })
  process.once('disconnect', () => process.exit(0))
}

function reply(answer: object): void {
  // The parent may have gone between question and answer.
  if (process.connected) process.send?.(answer)
}
