/**
 * Of libuv's threads, four by default, half may look up host names: two silent name servers would hold up every other
 * lookup of the process. To be called before anything uses the pool, which reads its size only once. A number that the
 * operator has set stays. The threads are idle otherwise.
 */
export function widenThreadPool(env: Record<string, string | undefined> = process.env): void {
  env['UV_THREADPOOL_SIZE'] ||= '16';
}
