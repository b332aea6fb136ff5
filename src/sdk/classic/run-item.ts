/** "One failing item does not stop the next": what it throws, or rejects with, is said in the console. */
export function runItem(item: () => unknown): void {
  const failed = (error: unknown): void => console.error(error);
  try {
    Promise.resolve(item()).catch(failed);
  } catch (error) {
    failed(error);
  }
}
