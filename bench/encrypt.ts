/**
 * Cost of preparing one push (encryption and VAPID), as ratios taken in one process: against npm `web-push`, and against
 * the elliptic curve operations alone, which is as fast as Node can be. Usage: node bench/encrypt.ts
 */
import { createECDH, generateKeyPairSync, randomBytes } from 'node:crypto';
import webPush from 'web-push';
import { bodyBytes, createEncryptor } from '../src/gateways/web-push/encryption.ts';
import { createVapid } from '../src/gateways/web-push/vapid.ts';
import { median } from './median.ts';
import type { Result } from './print-results.ts';
import { printResults } from './print-results.ts';

const rounds = 31;
const pushesPerRound = 400;
const deviceCount = 500;
const endpoint = 'https://push.example.com/subscriptions/0123456789abcdef';

const devices = Array.from({ length: deviceCount }, () => {
  const publicKey = createECDH('prime256v1').generateKeys();
  const authSecret = randomBytes(16);
  return {
    keys: new Uint8Array(Buffer.concat([publicKey, authSecret])),
    publicKey,
    subscription: {
      endpoint,
      keys: { p256dh: publicKey.toString('base64url'), auth: authSecret.toString('base64url') },
    },
  };
});

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const vapidKeys = {
  publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-65)),
  privateKey: new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' })),
};
const vapidDetails = {
  subject: 'mailto:bench@example.com',
  publicKey: Buffer.from(vapidKeys.publicKey).toString('base64url'),
  privateKey: privateKey.export({ format: 'jwk' }).d as string,
};

const encryptor = createEncryptor();
const authorize = createVapid({ clock: Date.now, contact: vapidDetails.subject })(vapidKeys);
const ecdh = createECDH('prime256v1');

type Device = (typeof devices)[number];

function candidates(payload: Buffer): Record<'pharos' | 'web-push' | 'curve', (device: Device) => unknown> {
  return {
    pharos: ({ keys }) => [
      encryptor.encrypt(payload, keys, new Uint8Array(bodyBytes(payload.length))),
      authorize('https://push.example.com'),
    ],
    'web-push': ({ subscription }) => webPush.generateRequestDetails(subscription, payload, { vapidDetails }),
    curve: (device) => [ecdh.generateKeys(), ecdh.computeSecret(device.publicKey)],
  };
}

/** Processor microseconds per push: other processes on the machine count for less than in elapsed time. */
function time(prepare: (device: Device) => unknown): number {
  const before = process.cpuUsage();
  for (let index = 0; index < pushesPerRound; index += 1) prepare(devices[index % deviceCount] as Device);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / pushesPerRound;
}

function measure(payloadBytes: number): Result[] {
  const { pharos, 'web-push': webPushOnly, curve } = candidates(randomBytes(payloadBytes));
  const times = Array.from({ length: rounds + 2 }, () => ({
    pharos: time(pharos),
    webPush: time(webPushOnly),
    curve: time(curve),
  })).slice(2); // The first ones warm up.
  type Round = (typeof times)[number];
  const middle = (value: (round: Round) => number): number => median(times.map(value));
  const what = `encrypting and signing a push of ${payloadBytes} B`;
  const µs = middle((round) => round.pharos).toFixed(1);
  return [
    {
      what,
      against: 'web-push',
      ratio: middle((round) => round.webPush / round.pharos).toFixed(2),
      goal: 'must 2.5, aim 4',
      µs,
      'µs against': middle((round) => round.webPush).toFixed(1),
    },
    {
      what,
      against: 'the curve alone',
      ratio: middle((round) => round.curve / round.pharos).toFixed(2),
      goal: 'must 0.70, aim 0.85',
      µs,
      'µs against': middle((round) => round.curve).toFixed(1),
    },
  ];
}

printResults(
  `Node ${process.version}, medians of ${rounds} alternating rounds of ${pushesPerRound} pushes, one thread`,
  [...measure(200), ...measure(3_000)],
);
