import type { MessageTarget } from '../ports/message-store.ts';

/** Targets that wait for something: instances take turns, and each has its targets in the order in which they came. */
interface TargetQueue {
  readonly size: () => number;
  /** Nothing when it waits already, or when the queue is full. */
  readonly add: (target: MessageTarget) => void;
  readonly remove: (target: MessageTarget) => void;
  /** Takes out whose turn it is; undefined when nobody waits. */
  readonly take: () => MessageTarget | undefined;
}

export function createTargetQueue(maxSize: number): TargetQueue {
  /** The instance whose turn it is comes first; none is without a target. */
  const instances = new Map<string, Set<string>>();
  let size = 0;

  const remove = ({ instanceId, target }: MessageTarget): void => {
    const targets = instances.get(instanceId);
    if (!targets?.delete(target)) return;
    size -= 1;
    if (targets.size === 0) instances.delete(instanceId);
  };
  return {
    size: () => size,
    add: ({ instanceId, target }) => {
      const targets = instances.get(instanceId) ?? new Set();
      if (targets.has(target) || size >= maxSize) return;
      instances.set(instanceId, targets.add(target));
      size += 1;
    },
    remove,
    take: () => {
      const [first] = instances;
      if (!first) return undefined;
      const [instanceId, targets] = first;
      const [target] = targets;
      if (target === undefined) return undefined;
      remove({ instanceId, target });
      // Behind all others.
      if (instances.delete(instanceId)) instances.set(instanceId, targets);
      return { instanceId, target };
    },
  };
}
