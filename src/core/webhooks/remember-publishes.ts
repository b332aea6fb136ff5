import type { PublishKey, PublishQueries, PublishSummary } from '../ports/publish-store.ts';

/** Each may hold a thousand names. */
const maxRemembered = 16;

/** For events that are rendered together: those of one publish come close to each other. */
export function rememberPublishes(
  store: Pick<PublishQueries, 'summarizePublish'>,
): Pick<PublishQueries, 'summarizePublish'> {
  const publishes = new Map<string, PublishSummary | null>();
  return {
    summarizePublish: async (key: PublishKey) => {
      const known = publishes.get(key.publishId);
      if (known !== undefined) return known;
      const [oldest] = publishes.keys();
      if (oldest !== undefined && publishes.size >= maxRemembered) publishes.delete(oldest);
      const summary = await store.summarizePublish(key);
      publishes.set(key.publishId, summary);
      return summary;
    },
  };
}
