import { whileUnavailable } from '../claims/while-unavailable.ts';
import type { Clock } from '../ports/clock.ts';
import { runOne } from '../ports/command.ts';
import type { DeviceAddress } from '../ports/device-store.ts';
import type { Log } from '../ports/log.ts';
import type { PushOriginCommands, PushOriginQueries, PushOriginState } from '../ports/push-origin-store.ts';

export interface GoneBrakeDeps {
  readonly store: PushOriginCommands & PushOriginQueries;
  readonly clock: Clock;
  readonly log: Log;
  /** Part of an origin's answers, between 0 and 1, from which `gone` is not believed any more. */
  readonly goneShare: number;
  /** A state was saved. */
  readonly onSaved?: () => void;
}

/** What is known of a push service. */
export interface PushOriginView {
  readonly origin: string;
  readonly state: PushOriginState;
  /** Of the state; null while it is `normal`. */
  readonly since: number | null;
  /** Of late: older answers count less and less. */
  readonly answered: number;
  readonly gone: number;
  /** Devices that were called gone and kept, since this process started. */
  readonly kept: number;
}

/**
 * Push services have had accidents in which they called living devices gone. When too many of an origin's devices turn
 * out gone, no more of them are removed until the share has fallen, or the operator says that it is right.
 */
export interface GoneBrake {
  /** Takes note of what a service said about a device; answers whether a device that is gone is to be kept. */
  judge(device: Pick<DeviceAddress, 'platform' | 'address'>, kind: 'accepted' | 'gone'): 'keep' | 'remove';
  /** Origins that have answered of late or are not `normal`, by name. */
  list(): readonly PushOriginView[];
  /** Goes on removing for a day, whatever the share; null when the origin is not braked. */
  resume(origin: string): Promise<PushOriginView | null>;
  /** Takes over what other nodes have saved. Rejects with `StoreUnavailable`. */
  refresh(): Promise<void>;
}

/** Fewer in all say nothing. */
const minGone = 100;
/** From here on, older answers fade: an accident must show among many good answers before it. */
const manyAnswers = 2_000;
const fadeEveryMs = 10 * 60_000;
const releaseMs = 24 * 60 * 60_000;
const maxOrigins = 1_000;

interface Origin {
  state: PushOriginState;
  since: number;
  answered: number;
  gone: number;
  kept: number;
  fadedAt: number;
}

/** Rejects with `StoreUnavailable`. What was braked or released before a restart still is. */
export async function openGoneBrake({
  store,
  clock,
  log,
  goneShare,
  onSaved = () => {},
}: GoneBrakeDeps): Promise<GoneBrake> {
  const origins = new Map<string, Origin>();
  for (const { origin, state, since } of await store.listPushOrigins()) {
    origins.set(origin, { ...unknown(clock()), state, since });
    if (state === 'braked') log.error('push-origin.braked', { origin, since, mend: mendOf(origin) });
  }

  /** Their state here is newer than what is saved. */
  const saving = new Set<string>();
  const save = async (origin: string, { state, since }: Pick<Origin, 'state' | 'since'>) => {
    await runOne(store.savePushOrigins, { origin, state, since });
    onSaved();
  };
  const changeBeside = (origin: string, known: Origin, state: PushOriginState): void => {
    known.state = state;
    known.since = clock();
    // In force already; should it be lost with the process, the answers will tell again.
    saving.add(origin);
    whileUnavailable(() => save(origin, known))
      .catch((error: unknown) => log.error('push-origin.not-saved', { origin, error }))
      .finally(() => saving.delete(origin));
  };
  const open = (origin: string): Origin => {
    if (origins.size >= maxOrigins) {
      const forgotten = [...origins].find(([, { state }]) => state === 'normal');
      if (forgotten) origins.delete(forgotten[0]);
    }
    const opened = unknown(clock());
    origins.set(origin, opened);
    return opened;
  };
  const follow = (origin: string, known: Origin): void => {
    const { state, gone, answered } = known;
    const share = gone / answered;
    if (state === 'released' && clock() - known.since >= releaseMs) changeBeside(origin, known, 'normal');
    else if (state === 'normal' && gone >= minGone && share >= goneShare) {
      changeBeside(origin, known, 'braked');
      log.error('push-origin.braked', { origin, gone, answered, mend: mendOf(origin) });
    } else if (state === 'braked' && answered * goneShare >= minGone && share < goneShare / 2) {
      changeBeside(origin, known, 'normal');
      log.warn('push-origin.brake-ended', { origin, gone, answered, kept: known.kept });
    }
  };

  return {
    judge(device, kind) {
      const origin = originOf(device);
      const known = origins.get(origin) ?? open(origin);
      fade(known, clock());
      known.answered += 1;
      if (kind === 'gone') known.gone += 1;
      follow(origin, known);
      if (kind === 'accepted' || known.state !== 'braked') return 'remove';
      known.kept += 1;
      return 'keep';
    },
    list: () => [...origins].map(viewOf).toSorted((a, b) => (a.origin < b.origin ? -1 : 1)),
    async resume(origin) {
      const known = origins.get(origin);
      if (known?.state !== 'braked') return null;
      const released = { state: 'released', since: clock() } as const;
      await save(origin, released);
      Object.assign(known, released);
      log.warn('push-origin.resumed', { origin, kept: known.kept });
      return viewOf([origin, known]);
    },
    async refresh() {
      const saved = new Map((await store.listPushOrigins()).map((row) => [row.origin, row]));
      for (const origin of new Set([...saved.keys(), ...origins.keys()])) {
        if (saving.has(origin)) continue;
        const { state, since } = saved.get(origin) ?? { state: 'normal', since: 0 };
        Object.assign(origins.get(origin) ?? open(origin), { state, since });
      }
    },
  };
}

const unknown = (now: number): Origin => ({
  state: 'normal',
  since: 0,
  answered: 0,
  gone: 0,
  kept: 0,
  fadedAt: now,
});

const mendOf = (origin: string): string =>
  `If these devices are really gone: pharos push-origin resume ${origin}. It ends by itself when fewer are.`;

function originOf({ platform, address }: Pick<DeviceAddress, 'platform' | 'address'>): string {
  return platform === 'web' ? (URL.parse(address)?.origin ?? 'unknown') : platform;
}

function fade(known: Origin, now: number): void {
  const due = Math.max(0, Math.floor((now - known.fadedAt) / fadeEveryMs));
  const halvings = known.answered >= manyAnswers ? Math.max(1, due) : due;
  if (halvings === 0) return;
  known.fadedAt = now;
  known.answered = Math.floor(known.answered / 2 ** halvings);
  known.gone = Math.floor(known.gone / 2 ** halvings);
}

const viewOf = ([origin, { state, since, answered, gone, kept }]: readonly [string, Origin]): PushOriginView => ({
  origin,
  state,
  since: state === 'normal' ? null : since,
  answered,
  gone,
  kept,
});
