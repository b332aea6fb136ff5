import type { AcceptAnswer, PublishTarget, TagCondition, TagFilter } from '../../core/ports/publish-store.ts';
import type { BrowserFamily } from '../../protocol/browser-family.ts';
import type { NotificationRequest } from './notification-schema.ts';

/** "You must include which players …" is recorded, the others are worded in its manner. */
const noTarget = 'You must include which players, segments, or tags you wish to send this notification to.';
const manyTargets =
  'Only one way to target is possible: segments, subscription ids, aliases, external user ids or filters.';

export interface NotificationTarget {
  /** Null: this kind of request reaches no browser at all. */
  readonly target: PublishTarget | null;
  /** "some targets unknown": what is to be added to the answer, if anything. */
  readonly unreachedErrors: (unreached: AcceptAnswer['unreached']) => object | null;
}

const ways = [
  'included_segments',
  'include_subscription_ids',
  'include_player_ids',
  'include_aliases',
  'include_external_user_ids',
  'filters',
] as const;

/** Who a notification is for, or what is wrong with the request. */
export function readTarget(request: NotificationRequest): NotificationTarget | { readonly mistake: string } {
  const given = ways.filter((way) => {
    const value = request[way];
    return value !== undefined && (Array.isArray(value) ? value : Object.values(value).flat()).length > 0;
  });
  const [way] = given;
  if (way === undefined) return { mistake: noTarget };
  if (given.length > 1) return { mistake: manyTargets };
  const families = readFamilies(request);
  const read = readers[way](request, families.length > 0 ? { families } : {});
  if ('mistake' in read) return read;
  return { ...read, target: families.length > 0 || !namesOtherPlatforms(request) ? read.target : null };
}

type Families = { readonly families?: readonly BrowserFamily[] };
type Reader = (request: NotificationRequest, families: Families) => NotificationTarget | { readonly mistake: string };

/** One of these is all that the three known segments can be: whoever has a subscription. */
const everybody = ['Subscribed Users', 'Total Subscriptions', 'All'];

const readSegments: Reader = ({ included_segments = [], excluded_segments = [] }, families) => {
  const unknown = [...included_segments, ...excluded_segments].find((name) => !everybody.includes(name));
  if (unknown !== undefined) {
    return {
      mistake: `There is no segment "${unknown}": there are ${everybody.map((name) => `"${name}"`).join(', ')}`,
    };
  }
  const target = excluded_segments.length > 0 ? null : ({ kind: 'everyone', ...families } as const);
  return { target, unreachedErrors: () => null };
};

/** Subscription ids, which were called player ids, are device ids without their prefix. */
const readDeviceIds =
  (way: 'include_subscription_ids' | 'include_player_ids'): Reader =>
  (request, families) => ({
    target: { kind: 'devices', deviceIds: lowerCase(request[way] ?? []), aliases: [], ...families },
    unreachedErrors: ({ deviceIds }) => (deviceIds.length > 0 ? { invalid_player_ids: deviceIds } : null),
  });

/** There are no users behind devices here but those of the page's external ids: a `onesignal_id` is a device's too. */
const readAliases: Reader = ({ include_aliases: aliases, target_channel: channel }, families) => {
  if (channel !== 'push') return { mistake: 'target_channel must be "push" with include_aliases' };
  return {
    target: {
      kind: 'devices',
      deviceIds: lowerCase(aliases?.onesignal_id ?? []),
      aliases: aliases?.external_id ?? [],
      ...families,
    },
    unreachedErrors: (unreached) => {
      const invalid = {
        ...(unreached.aliases.length > 0 && { external_id: unreached.aliases }),
        ...(unreached.deviceIds.length > 0 && { onesignal_id: unreached.deviceIds }),
      };
      return Object.keys(invalid).length > 0 ? { invalid_aliases: invalid } : null;
    },
  };
};

const readExternalIds: Reader = ({ include_external_user_ids: aliases = [] }, families) => ({
  target: { kind: 'devices', deviceIds: [], aliases, ...families },
  unreachedErrors: (unreached) =>
    unreached.aliases.length > 0 ? { invalid_external_user_ids: unreached.aliases } : null,
});

/** "`{operator: "OR"|"AND"}`, AND by default": OR divides the list into groups, as AND binds more tightly. */
const readFilters: Reader = ({ filters = [] }, families) => {
  const groups: TagCondition[][] = [[]];
  for (const entry of filters) {
    if ('operator' in entry) {
      if (groups.at(-1)?.length === 0) return { mistake: 'filters: an operator must stand between two conditions' };
      if (entry.operator === 'OR') groups.push([]);
      continue;
    }
    const { key, relation, value } = entry;
    if (relation === 'exists' || relation === 'not_exists') groups.at(-1)?.push({ key, relation });
    else if (value === undefined) return { mistake: `filters: the relation ${relation} needs a value` };
    else groups.at(-1)?.push({ key, relation, value });
  }
  const last = filters.at(-1);
  if (last && 'operator' in last) return { mistake: 'filters: an operator must stand between two conditions' };
  return { target: { kind: 'tags', filter: groups satisfies TagFilter, ...families }, unreachedErrors: () => null };
};

const readers: Readonly<Record<(typeof ways)[number], Reader>> = {
  included_segments: readSegments,
  include_subscription_ids: readDeviceIds('include_subscription_ids'),
  include_player_ids: readDeviceIds('include_player_ids'),
  include_aliases: readAliases,
  include_external_user_ids: readExternalIds,
  filters: readFilters,
};

const lowerCase = (ids: readonly string[]): string[] => ids.map((id) => id.toLowerCase());

/** "Flags on the wire: `isAnyWeb`, `isChromeWeb`, `isFirefox`, `isSafari`"; empty: no flag restricts. */
function readFamilies({ isAnyWeb, isChromeWeb, isFirefox, isSafari }: NotificationRequest): readonly BrowserFamily[] {
  if (isAnyWeb) return [];
  return [
    ...(isChromeWeb ? (['chrome'] as const) : []),
    ...(isFirefox ? (['firefox'] as const) : []),
    ...(isSafari ? (['safari'] as const) : []),
  ];
}

/** A request for phones only is not for browsers. */
function namesOtherPlatforms(request: NotificationRequest): boolean {
  const { isAnyWeb, isIos, isAndroid, isHuawei, isAdm, isWP_WNS, isChrome } = request;
  return !isAnyWeb && [isIos, isAndroid, isHuawei, isAdm, isWP_WNS, isChrome].includes(true);
}
