import { AppError } from '../../src/domain/errors.ts'

/** The AppError that `work` fails with; anything else, success too, is passed on as a failure of the test. */
export async function failureOf(work: () => unknown): Promise<AppError> {
  let answer: unknown
  try {
    answer = await work()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error(`expected an AppError, got ${JSON.stringify(answer)}`)
}

/** Like {@link failureOf}, for what fails before it returns. */
export function failureAtOnce(work: () => unknown): AppError {
  let answer: unknown
  try {
    answer = work()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error(`expected an AppError, got ${JSON.stringify(answer)}`)
}
