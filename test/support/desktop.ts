import type { Variant } from 'dbus-next';
import dbus from 'dbus-next';
import { startDbusDaemon } from './dbus-daemon.ts';
import { waitFor } from './wait-for.ts';

/** A notification as the desktop was told to show it. */
export interface ShownNotification {
  readonly id: number;
  readonly title: string;
  readonly body: string;
  readonly buttons: readonly { readonly key: string; readonly label: string }[];
}

/** A desktop that browsers show their notifications on, and a person who reacts to them. */
export interface Desktop {
  /** For the browser's `DBUS_SESSION_BUS_ADDRESS`; the desktop must be there before the browser starts. */
  readonly busAddress: string;
  /** Everything shown so far, in order. */
  readonly shown: readonly ShownNotification[];
  /** Ids of the notifications that the browser itself took away. */
  readonly withdrawn: readonly number[];
  readonly waitForNotification: (title: string) => Promise<ShownNotification>;
  /** Clicks the body, or the button with this label. */
  readonly click: (notification: ShownNotification, buttonLabel?: string) => void;
  readonly dismiss: (notification: ShownNotification) => void;
  readonly expire: (notification: ShownNotification) => void;
  readonly stop: () => Promise<void>;
}

// Reasons of the signal NotificationClosed in the Desktop Notifications Specification.
const closed = { expired: 1, dismissed: 2, byTheApplication: 3 } as const;

/** Starts a private bus with our own `org.freedesktop.Notifications` on it. */
export async function startDesktop(): Promise<Desktop> {
  const daemon = await startDbusDaemon();
  const bus = dbus.sessionBus({ busAddress: daemon.address });
  const shown: ShownNotification[] = [];
  const withdrawn: number[] = [];
  const server = new NotificationServer(shown, withdrawn);
  bus.export('/org/freedesktop/Notifications', server);
  await bus.requestName('org.freedesktop.Notifications', 0);
  return {
    busAddress: daemon.address,
    shown,
    withdrawn,
    waitForNotification: (title) =>
      waitFor(`a notification with the title "${title}"`, () => shown.find((one) => one.title === title)),
    click(notification, buttonLabel) {
      const button = notification.buttons.find(({ label }) => label === buttonLabel);
      if (buttonLabel !== undefined && !button) throw new Error(`no button "${buttonLabel}"`);
      server.ActionInvoked(notification.id, button?.key ?? 'default');
    },
    dismiss: ({ id }) => server.NotificationClosed(id, closed.dismissed),
    expire: ({ id }) => server.NotificationClosed(id, closed.expired),
    async stop() {
      bus.disconnect();
      await daemon.stop();
    },
  };
}

/** Method and signal names are those of the Desktop Notifications Specification; signals are sent by calling them. */
class NotificationServer extends dbus.interface.Interface {
  readonly #shown: ShownNotification[];
  readonly #withdrawn: number[];
  #lastId = 0;

  constructor(shown: ShownNotification[], withdrawn: number[]) {
    super('org.freedesktop.Notifications');
    this.#shown = shown;
    this.#withdrawn = withdrawn;
  }

  Notify(
    _application: string,
    replacedId: number,
    _icon: string,
    title: string,
    body: string,
    actions: readonly string[],
    _hints: Readonly<Record<string, Variant>>,
    _timeoutMs: number,
  ): number {
    const id = replacedId || ++this.#lastId;
    const pairs = actions.flatMap((key, at) => (at % 2 === 0 ? [{ key, label: actions[at + 1] ?? '' }] : []));
    this.#shown.push({ id, title, body, buttons: pairs });
    return id;
  }

  CloseNotification(id: number): void {
    this.#withdrawn.push(id);
    this.NotificationClosed(id, closed.byTheApplication);
  }

  GetCapabilities(): string[] {
    return ['actions', 'body', 'body-hyperlinks', 'body-markup', 'icon-static', 'persistence'];
  }

  GetServerInformation(): string[] {
    return ['Pharos test desktop', 'Pharos', '1.0', '1.2'];
  }

  NotificationClosed(id: number, reason: number): [number, number] {
    return [id, reason];
  }

  ActionInvoked(id: number, key: string): [number, string] {
    return [id, key];
  }
}

NotificationServer.configureMembers({
  methods: {
    Notify: { inSignature: 'susssasa{sv}i', outSignature: 'u' },
    CloseNotification: { inSignature: 'u', outSignature: '' },
    GetCapabilities: { inSignature: '', outSignature: 'as' },
    GetServerInformation: { inSignature: '', outSignature: 'ssss' },
  },
  signals: { NotificationClosed: { signature: 'uu' }, ActionInvoked: { signature: 'us' } },
});
